/* A formatter as drivers carry one: each character through a function pointer, numbers by division.
 * One line a round. */
#include <stdarg.h>

#include "kernel.h"

static char line[256];
static uint64_t length;

static void put(char character) {
  if (length < sizeof line) line[length++] = character;
}

static void put_number(void (*out)(char), uint64_t value, uint64_t base, int width, char fill) {
  char digits[24];
  int count = 0;
  do {
    uint64_t digit = value % base;
    digits[count++] = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
    value /= base;
  } while (value != 0);
  for (; width > count; width--) out(fill);
  while (count > 0) out(digits[--count]);
}

static void put_text(void (*out)(char), const char *text) {
  while (*text != '\0') out(*text++);
}

__attribute__((noinline)) static void format(void (*out)(char), const char *text, ...) {
  va_list values;
  va_start(values, text);
  for (; *text != '\0'; text++) {
    if (*text != '%') {
      out(*text);
      continue;
    }
    int width = 0;
    char fill = ' ';
    if (*++text == '0') fill = '0';
    for (; *text >= '0' && *text <= '9'; text++) width = width * 10 + *text - '0';
    switch (*text) {
    case 's': put_text(out, va_arg(values, const char *)); break;
    case 'c': out((char)va_arg(values, int)); break;
    case 'd': {
      int64_t value = va_arg(values, int64_t);
      if (value < 0) out('-');
      put_number(out, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, width, fill);
      break;
    }
    case 'u': put_number(out, va_arg(values, uint64_t), 10, width, fill); break;
    case 'x': put_number(out, va_arg(values, uint64_t), 16, width, fill); break;
    case 'o': put_number(out, va_arg(values, uint64_t), 8, width, fill); break;
    default: out(*text); break;
    }
  }
  va_end(values);
}

uint64_t kernel(uint64_t rounds) {
  void (*volatile sink)(char) = put;
  uint64_t total = 0;
  for (uint64_t round = 0; round < rounds; round++) {
    length = 0;
    format(sink, "%s: packet %d of %05u bytes at 0x%016x %c %o\n", "net_virt_rx", (int64_t)round - 500,
           round % 1500, round * 0x9e3779b97f4a7c15u, 'a' + (int)(round % 26), round);
    for (uint64_t at = 0; at < length; at++) total += (uint8_t)line[at];
  }
  return total;
}
