/* A small printf: what the sample programs print, and no more. */
#include "print.h"
#include <stdarg.h>

#define PRECISION_STANDARD 6
#define PRECISION_MAX 17
#define NUMBER_BYTES 48
/* Above, the digits before the point do not fit an integer. */
#define PLAIN_LIMIT 9223372036854775808.0

struct field {
    unsigned width;
    char filler;
    unsigned precision;
    bool is_long;
};

static void put_filled(const struct field *field, const char *text)
{
    unsigned length = 0;
    while (text[length] != '\0') {
        length++;
    }
    /* A sign goes before the zeros. */
    if (field->filler == '0' && *text == '-' && length < field->width) {
        microkit_dbg_putc(*text++);
    }
    for (; length < field->width; length++) {
        microkit_dbg_putc(field->filler);
    }
    microkit_dbg_puts(text);
}

/* Writes digits so that they end at `end`. Returns where they begin. */
static char *digits(char *end, uint64_t value, unsigned base)
{
    do {
        *--end = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    return end;
}

static void put_unsigned(const struct field *field, uint64_t value, unsigned base)
{
    char text[NUMBER_BYTES];
    char *end = text + sizeof text - 1;
    *end = '\0';
    put_filled(field, digits(end, value, base));
}

static void put_signed(const struct field *field, int64_t value)
{
    char text[NUMBER_BYTES];
    char *end = text + sizeof text - 1;
    *end = '\0';
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    char *begin = digits(end, magnitude, 10);
    if (value < 0) {
        *--begin = '-';
    }
    put_filled(field, begin);
}

/* Writes "<whole>.<fraction>" of a number from 0 up to PLAIN_LIMIT, so that it ends at `end`. */
static char *plain_digits(char *end, double value, unsigned precision)
{
    uint64_t scale = 1;
    for (unsigned digit = 0; digit < precision; digit++) {
        scale *= 10;
    }
    uint64_t whole = (uint64_t)value;
    double part = value - (double)whole;
    double scaled = part * (double)scale;
    uint64_t fraction = (uint64_t)scaled;
    /* The product is rounded; what it lost counts for the rest. */
    double rest = (scaled - (double)fraction) + __builtin_fma(part, (double)scale, -scaled);
    if (rest < 0.0) {
        fraction--;
        rest += 1.0;
    }
    /* To the nearest, and from the middle to the even one. */
    if (rest > 0.5 || (rest == 0.5 && ((precision == 0 ? whole : fraction) & 1) != 0)) {
        fraction++;
    }
    if (fraction >= scale) {
        fraction -= scale;
        whole++;
    }
    if (precision > 0) {
        for (unsigned digit = 0; digit < precision; digit++, fraction /= 10) {
            *--end = (char)('0' + fraction % 10);
        }
        *--end = '.';
    }
    return digits(end, whole, 10);
}

static char *scaled_digits(char *end, double value, unsigned precision)
{
    unsigned exponent = 0;
    while (value >= 10.0) {
        value /= 10.0;
        exponent++;
    }
    end = digits(end, exponent, 10);
    *--end = '+';
    *--end = 'e';
    return plain_digits(end, value, precision);
}

static void put_double(const struct field *field, double value)
{
    char text[NUMBER_BYTES];
    char *end = text + sizeof text - 1;
    *end = '\0';
    double magnitude = __builtin_fabs(value);
    bool is_negative = __builtin_signbit(value) != 0;
    char *begin;
    struct field blank = *field;

    if (value != value) {
        blank.filler = ' ';
        put_filled(&blank, "nan");
        return;
    }
    if (magnitude > 1.7976931348623157e308) {
        blank.filler = ' ';
        put_filled(&blank, is_negative ? "-inf" : "inf");
        return;
    }
    if (magnitude < PLAIN_LIMIT) {
        begin = plain_digits(end, magnitude, field->precision);
    } else {
        begin = scaled_digits(end, magnitude, field->precision);
    }
    if (is_negative) {
        *--begin = '-';
    }
    put_filled(field, begin);
}

/* Reads what stands between % and the letter. */
static struct field read_field(const char **format)
{
    struct field field = {.filler = ' ', .precision = PRECISION_STANDARD};
    const char *at = *format;

    if (*at == '0') {
        field.filler = '0';
    }
    for (; *at >= '0' && *at <= '9'; at++) {
        field.width = 10 * field.width + (unsigned)(*at - '0');
    }
    if (*at == '.') {
        field.precision = 0;
        for (at++; *at >= '0' && *at <= '9'; at++) {
            field.precision = 10 * field.precision + (unsigned)(*at - '0');
        }
        if (field.precision > PRECISION_MAX) {
            field.precision = PRECISION_MAX;
        }
    }
    if (*at == 'l') {
        field.is_long = true;
        at++;
    }
    *format = at;
    return field;
}

static void put_character(const struct field *field, char character)
{
    put_filled(field, (const char[]){character, '\0'});
}

void print(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            microkit_dbg_putc(*format);
            continue;
        }
        format++;
        struct field field = read_field(&format);
        switch (*format) {
        case 's':
            put_filled(&field, va_arg(values, const char *));
            break;
        case 'c':
            put_character(&field, (char)va_arg(values, int));
            break;
        case 'd':
            put_signed(&field, field.is_long ? va_arg(values, long) : va_arg(values, int));
            break;
        case 'u':
            put_unsigned(&field, field.is_long ? va_arg(values, unsigned long) : va_arg(values, unsigned), 10);
            break;
        case 'x':
            put_unsigned(&field, field.is_long ? va_arg(values, unsigned long) : va_arg(values, unsigned), 16);
            break;
        case 'f':
            put_double(&field, va_arg(values, double));
            break;
        default:
            put_character(&field, *format);
            if (*format == '\0') {
                va_end(values);
                return;
            }
        }
    }
    va_end(values);
}

_Noreturn void give_up(const char *why)
{
    microkit_dbg_puts(microkit_name);
    microkit_dbg_puts(": ");
    microkit_dbg_puts(why);
    microkit_dbg_puts("\n");
    microkit_internal_crash(seL4_NoError);
    for (;;) {
    }
}
