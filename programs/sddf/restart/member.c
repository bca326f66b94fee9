#include "member.h"

#include "../signals.h"

static bool is_down(uint32_t epoch)
{
    return (epoch & 1) != 0;
}

static uint32_t epoch_of(const struct restart_config *config, unsigned child)
{
    const struct restart_epochs *page = config->epochs.vaddr;
    return __atomic_load_n(&page->epochs[child], __ATOMIC_ACQUIRE);
}

static void write_answer(const struct restart_config *config, unsigned child, uint32_t epoch)
{
    struct restart_answers *page = config->answers.vaddr;
    __atomic_store_n(&page->answers[child], epoch, __ATOMIC_RELEASE);
}

/* We are there. */
static void repeat_round(const struct restart_config *config)
{
    const struct restart_epochs *epochs = config->epochs.vaddr;
    struct restart_answers *page = config->answers.vaddr;
    page->round = __atomic_load_n(&epochs->round, __ATOMIC_ACQUIRE);
}

/* Each channel to a child, one after the other. A deferred signal of one handler would be lost in
 * the next: it goes out before. */
static void for_each_channel(const struct restart_config *config, unsigned child, void (*act)(microkit_channel))
{
    for (unsigned index = 0; index < config->num_neighbours; index++) {
        if (config->neighbours[index].child == child) {
            flush_deferred_signal();
            act(config->neighbours[index].channel);
        }
    }
}

static bool is_clear(const struct restart_member *member, unsigned child)
{
    const struct restart_config *config = member->config;
    for (unsigned index = 0; index < config->num_neighbours; index++) {
        const struct restart_neighbour *each = &config->neighbours[index];
        if (each->child == child && !member->connections->is_clear(each->channel)) {
            return false;
        }
    }
    return true;
}

static void enter(struct restart_member *member, unsigned child, enum restart_state state)
{
    struct restart_peer *peer = &member->peers[child];
    member->closing -= peer->state == RESTART_CLOSING;
    member->closing += state == RESTART_CLOSING;
    peer->state = state;
}

/* Answers whether everything is let go, and so the supervisor has its answer. */
static bool answer(struct restart_member *member, unsigned child)
{
    bool is_done = member->connections->is_clear == NULL || is_clear(member, child);
    enter(member, child, is_done ? RESTART_CLOSED : RESTART_CLOSING);
    if (is_done) {
        write_answer(member->config, child, member->peers[child].seen);
    }
    return is_done;
}

/* Answers whether there is an answer that the supervisor does not know yet. */
static bool look_at(struct restart_member *member, unsigned child)
{
    const struct restart_config *config = member->config;
    struct restart_peer *peer = &member->peers[child];
    uint32_t epoch = epoch_of(config, child);
    int32_t ahead = (int32_t)(epoch - peer->seen);
    bool is_answered = false;

    if (ahead < 0) {
        struct restart_answers *page = config->answers.vaddr;
        page->refused++;
    }
    if (ahead <= 0) {
        return false;
    }
    bool is_back_again = peer->state != RESTART_OPEN && ahead == 1;
    peer->seen = epoch;
    /* One that has died and come back since we last looked has died all the same. */
    if (!is_back_again) {
        for_each_channel(config, child, member->connections->close);
        is_answered = answer(member, child);
    }
    if (!is_down(epoch)) {
        enter(member, child, RESTART_OPEN);
        for_each_channel(config, child, member->connections->open);
    }
    return is_answered;
}

/* Whether this is the first channel of the list that leads to its child: a neighbour with several
 * is looked at once. */
static bool is_first_of_child(const struct restart_config *config, unsigned index)
{
    for (unsigned before = 0; before < index; before++) {
        if (config->neighbours[before].child == config->neighbours[index].child) {
            return false;
        }
    }
    return true;
}

static bool look(struct restart_member *member)
{
    const struct restart_config *config = member->config;
    bool is_answered = false;
    for (unsigned index = 0; index < config->num_neighbours; index++) {
        if (is_first_of_child(config, index)) {
            is_answered |= look_at(member, config->neighbours[index].child);
        }
    }
    return is_answered;
}

void restart_join(struct restart_member *member, const struct restart_config *config,
                  const struct restart_connections *connections)
{
    member->config = config->epochs.vaddr == NULL ? NULL : config;
    member->connections = connections;
    member->closing = 0;
    for (unsigned child = 0; member->config != NULL && child < RESTART_CHILDREN_MAX; child++) {
        uint32_t epoch = epoch_of(config, child);
        /* One that is down already is found to be so by `restart_begin`. */
        member->peers[child] = (struct restart_peer){.seen = is_down(epoch) ? epoch - 1 : epoch, .state = RESTART_OPEN};
    }
}

bool restart_is_abandoned(const struct restart_member *member, microkit_channel channel)
{
    const struct restart_config *config = member->config;
    for (unsigned index = 0; config != NULL && index < config->num_neighbours; index++) {
        const struct restart_neighbour *each = &config->neighbours[index];
        if (each->channel == channel) {
            return is_down(epoch_of(config, each->child));
        }
    }
    return false;
}

void restart_begin(struct restart_member *member)
{
    const struct restart_config *config = member->config;
    if (config == NULL) {
        return;
    }
    uint32_t own = epoch_of(config, config->self);
    repeat_round(config);
    bool is_answered = look(member);
    if (is_down(own)) {
        write_answer(config, config->self, own);
    }
    if (is_answered || is_down(own)) {
        microkit_notify(config->supervisor);
    }
}

void restart_notice(struct restart_member *member)
{
    repeat_round(member->config);
    if (look(member)) {
        microkit_notify(member->config->supervisor);
    }
}

void restart_retry(struct restart_member *member)
{
    const struct restart_config *config = member->config;
    bool is_answered = false;
    for (unsigned index = 0; index < config->num_neighbours; index++) {
        unsigned child = config->neighbours[index].child;
        if (is_first_of_child(config, index) && member->peers[child].state == RESTART_CLOSING) {
            is_answered |= answer(member, child);
        }
    }
    if (is_answered) {
        microkit_notify(config->supervisor);
    }
}

void restart_took_back(struct restart_member *member, int32_t buffers)
{
    if (member->config != NULL && buffers > 0) {
        struct restart_answers *page = member->config->answers.vaddr;
        page->taken_back += buffers;
    }
}
