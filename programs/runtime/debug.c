/* The debug console, and what is said there before a domain ends. */
#include <microkit.h>

void microkit_dbg_putc(int c)
{
    seL4_DebugPutChar((char)c);
}

void microkit_dbg_puts(const char *s)
{
    for (; *s != '\0'; s++) {
        microkit_dbg_putc(*s);
    }
}

void microkit_dbg_put32(seL4_Uint32 x)
{
    char text[11];
    char *at = text + sizeof text;
    *--at = '\0';
    do {
        *--at = (char)('0' + x % 10);
        x /= 10;
    } while (x != 0);
    microkit_dbg_puts(at);
}

void microkit_dbg_put8(seL4_Uint8 x)
{
    microkit_dbg_put32(x);
}

void microkit_report_channel(const char *function, microkit_channel ch)
{
    microkit_dbg_puts(microkit_name);
    microkit_dbg_puts(" ");
    microkit_dbg_puts(function);
    microkit_dbg_puts(": invalid channel given '");
    microkit_dbg_put32(ch);
    microkit_dbg_puts("'\n");
}

void microkit_refused(const char *complaint, microkit_child child, seL4_Error error)
{
    microkit_dbg_puts(complaint);
    microkit_dbg_put32(child);
    microkit_dbg_puts("'\n");
    microkit_internal_crash(error);
}

/* Entry points that a program can leave out. One that is used without being there ends the
 * domain. */

static void missing(const char *entry_point)
{
    microkit_dbg_puts(microkit_name);
    microkit_dbg_puts(" is missing the '");
    microkit_dbg_puts(entry_point);
    microkit_dbg_puts("' entry point\n");
    microkit_internal_crash(seL4_NoError);
}

__attribute__((weak)) microkit_msginfo protected(microkit_channel ch, microkit_msginfo msginfo)
{
    (void)ch;
    (void)msginfo;
    missing("protected");
    return seL4_MessageInfo_new(0, 0, 0, 0);
}

__attribute__((weak)) seL4_Bool fault(microkit_child child, microkit_msginfo msginfo, microkit_msginfo *reply_msginfo)
{
    (void)child;
    (void)msginfo;
    (void)reply_msginfo;
    missing("fault");
    return seL4_False;
}

/* What a C library's `assert` ends in. */
_Noreturn void __assert_fail(const char *assertion, const char *file, int line, const char *function);

__attribute__((weak)) _Noreturn void __assert_fail(const char *assertion, const char *file, int line,
                                                   const char *function)
{
    microkit_dbg_puts(microkit_name);
    microkit_dbg_puts("|assert failed: ");
    microkit_dbg_puts(assertion);
    microkit_dbg_puts(" ");
    microkit_dbg_puts(file);
    microkit_dbg_puts(":");
    microkit_dbg_put32((seL4_Uint32)line);
    microkit_dbg_puts(" ");
    microkit_dbg_puts(function);
    microkit_dbg_puts("\n");
    microkit_internal_crash(seL4_NoError);
    for (;;) {
    }
}
