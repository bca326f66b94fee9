/* A client of the serial class: greets, and then sends back what it receives, in capital
 * letters. */
#include "../lib/print.h"
#include "../sddf/serial/config.h"
#include "../sddf/serial/queue.h"
#include "../sddf/signals.h"

#define BATCH_BYTES 64

CONFIG_SECTION(".serial_client_config") struct serial_client_config config = {0};

static struct serial_handle rx;
static struct serial_handle tx;

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

void init(void)
{
    require(sddf_has_magic(config.magic, SDDF_CLASS_SERIAL), "section .serial_client_config is not filled in");
    tx = handle_of(&config.tx);
    say("hello from ");
    say(microkit_name);
    say("\n");
    if (config.rx.queue.vaddr != NULL) {
        rx = handle_of(&config.rx);
        answer();
    }
    microkit_deferred_notify(config.tx.id);
}

void notified(microkit_channel ch)
{
    flush_deferred_signal();
    if (config.rx.queue.vaddr != NULL && ch == config.rx.id) {
        answer();
        microkit_deferred_notify(config.tx.id);
    }
}
