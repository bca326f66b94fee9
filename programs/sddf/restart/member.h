/*
 * A program's part in the restart protocol (docs/restart.md): it learns which of its neighbours are
 * down, lets go of what it shares with them, and says so.
 *
 *     init      restart_join          before queues are filled
 *               restart_begin         at its end
 *     notified  if (!restart_notified(&member, ch)) { … }
 *               restart_proceed(&member);
 *
 * A program may be started again on its memory as it is, so `init` sets every variable. Without a
 * supervisor all of these do nothing.
 *
 * The counterpart of queues/restart/member.ts.
 */
#pragma once

#include <microkit.h>

#include "config.h"

/* What the program does about its neighbours; each connection is named by its channel. */
struct restart_connections {
    /* The other end is down. Makes both queues what they are at boot, with what is ours to put in,
     * and takes back what the other end had. It may come twice in a row. */
    void (*close)(microkit_channel channel);
    /* Whether nothing is left elsewhere that was the other end's; NULL where there can be no such
     * thing. */
    bool (*is_clear)(microkit_channel channel);
    /* The other end runs again, and has let go of all that it had before. */
    void (*open)(microkit_channel channel);
};

enum restart_state { RESTART_OPEN, RESTART_CLOSING, RESTART_CLOSED };

struct restart_peer {
    /* The last of its epochs that has been looked at. */
    uint32_t seen;
    enum restart_state state;
};

struct restart_member {
    /* NULL without a supervisor. */
    const struct restart_config *config;
    const struct restart_connections *connections;
    /* By the number of the child. */
    struct restart_peer peers[RESTART_CHILDREN_MAX];
    /* How many of them are closing. */
    unsigned closing;
};

void restart_join(struct restart_member *member, const struct restart_config *config,
                  const struct restart_connections *connections);

/* Whether the other end is down while we start. Nobody has emptied the queues: it is for us to do,
 * before we put anything in. */
bool restart_is_abandoned(const struct restart_member *member, microkit_channel channel);

/* `init` is over: what we share with neighbours that are down is let go, and we run. */
void restart_begin(struct restart_member *member);

/* The supervisor has said that something is different, or asks whether we still answer. */
void restart_notice(struct restart_member *member);

/* Something has come back meanwhile, which may have been all that was missing. */
void restart_retry(struct restart_member *member);

/* Counts buffers that a neighbour had and that are ours again. */
void restart_took_back(struct restart_member *member, int32_t buffers);

/* Answers true when the channel was the supervisor's: then it is not for the program. */
static inline bool restart_notified(struct restart_member *member, microkit_channel channel)
{
    if (member->config == NULL || channel != member->config->supervisor) {
        return false;
    }
    restart_notice(member);
    return true;
}

static inline void restart_proceed(struct restart_member *member)
{
    if (member->closing > 0) {
        restart_retry(member);
    }
}
