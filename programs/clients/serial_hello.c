/* A client of the serial class: greets, and then sends back what it receives, in capital
 * letters. Nothing is lent in this class, so there is nothing to let go of when a virtualiser dies:
 * both ends look again. */
#include "../lib/print.h"
#include "../sddf/restart/member.h"
#include "../sddf/serial/config.h"
#include "../sddf/serial/queue.h"
#include "../sddf/signals.h"

#define BATCH_BYTES 64

CONFIG_SECTION(".serial_client_config") struct serial_client_config config = {0};
CONFIG_SECTION(".restart_config") struct restart_config restart_config = {0};

static struct serial_handle rx;
static struct serial_handle tx;
static struct restart_member member;

static struct serial_handle handle_of(const struct serial_connection *connection)
{
    return (struct serial_handle){
        .queue = connection->queue.vaddr,
        .data = connection->data.vaddr,
        .capacity = (uint32_t)connection->data.size,
    };
}

static void say(const char *text)
{
    uint32_t length = 0;
    while (text[length] != '\0') {
        length++;
    }
    serial_write(&tx, text, length);
}

/* What finds no room is lost: a person who types does not fill the queue. */
static void answer(void)
{
    char bytes[BATCH_BYTES];
    uint32_t taken;
    bool is_signal_due;

    while ((taken = serial_read(&rx, bytes, sizeof bytes, &is_signal_due)) > 0) {
        for (uint32_t index = 0; index < taken; index++) {
            if (bytes[index] >= 'a' && bytes[index] <= 'z') {
                bytes[index] = (char)(bytes[index] - 'a' + 'A');
            }
        }
        serial_write(&tx, bytes, taken);
        if (is_signal_due) {
            microkit_notify(config.rx.id);
        }
    }
}

static void close_connection(microkit_channel channel)
{
    (void)channel;
}

/* A signal may have died with the one that was to see it. */
static void open_connection(microkit_channel channel)
{
    microkit_notify(channel);
    if (config.rx.queue.vaddr != NULL && channel == config.rx.id) {
        answer();
        microkit_deferred_notify(config.tx.id);
    }
}

static const struct restart_connections connections = {.close = close_connection, .open = open_connection};

void init(void)
{
    require(sddf_has_magic(config.magic, SDDF_CLASS_SERIAL), "section .serial_client_config is not filled in");
    tx = handle_of(&config.tx);
    restart_join(&member, &restart_config, &connections);
    say("hello from ");
    say(microkit_name);
    say("\n");
    if (config.rx.queue.vaddr != NULL) {
        rx = handle_of(&config.rx);
        answer();
    }
    microkit_deferred_notify(config.tx.id);
    restart_begin(&member);
}

void notified(microkit_channel ch)
{
    flush_deferred_signal();
    if (restart_notified(&member, ch)) {
        return;
    }
    if (config.rx.queue.vaddr != NULL && ch == config.rx.id) {
        answer();
        microkit_deferred_notify(config.tx.id);
    }
}
