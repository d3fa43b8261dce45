/* The expert from inside: what the parity test asks it. */
#ifndef TRIAD_BABYAI_BOT_H
#define TRIAD_BABYAI_BOT_H

#include "triad/babyai.h"

/* Why the expert gave up for good. */
typedef enum bot_fault {
    BOT_FAULT_NONE,
    BOT_FAULT_HANG,     /* more than 1000 searches without an action: the reference never returns */
    BOT_FAULT_ASSERT,   /* an assertion of the reference fails */
    BOT_FAULT_EXPLORED, /* nothing is left to explore */
    BOT_FAULT_BOX,      /* a box was opened */
    BOT_FAULT_NO_TARGET /* there is nowhere to put a thing down */
} bot_fault;

bot_fault babyai_bot_fault_of(const babyai_bot *bot);
/* As the reference words it. */
const char *babyai_bot_fault_text(bot_fault fault);
/* Breadth-first searches that the reference would have made since the bot began. */
uint64_t babyai_bot_searches(const babyai_bot *bot);

#endif
