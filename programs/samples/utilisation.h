/* Channels between the domains of utilisation.system; each has one number at both ends. */
#pragma once

#define START_CHANNEL 1
#define STOP_CHANNEL 2
#define INIT_CHANNEL 3
