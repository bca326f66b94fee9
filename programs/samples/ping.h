/* What ping asks and pong answers: a message's words, each one larger, and its label, too. */
#pragma once

#define PONG_CHANNEL 1
#define PING_CHANNEL 2
/* More than the four that travel in registers. */
#define PING_WORDS 7
