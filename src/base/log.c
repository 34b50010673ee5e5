#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/print.h"

/* The one sink: set by the front end before anything runs. */
static struct {
    log_sink *sink;
    void *context;
} current;

void log_set_sink(log_sink *sink, void *context) {
    current.sink = sink;
    current.context = context;
}

enum log_level log_threshold(void) {
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {{"DEBUG", LOG_DEBUG},  {"INFO", LOG_INFO},   {"NOTICE", LOG_NOTICE}, {"WARNING", LOG_WARNING},
                  {"WARN", LOG_WARNING}, {"ERROR", LOG_ERROR}, {"CRITICAL", LOG_ERROR}};
    const char *text = getenv("FETTLE_LOG_LEVEL");
    if (!text)
        text = getenv("_NEQUIP_LOG_LEVEL");
    for (size_t k = 0; text && k < sizeof levels / sizeof *levels; k++)
        if (!strcasecmp(text, levels[k].name))
            return levels[k].level;
    return LOG_INFO;
}

void log_message(enum log_level level, const char *format, ...) {
    if (!current.sink || level < log_threshold())
        return;
    /* a model's tree is longer than any fixed line */
    va_list args;
    va_start(args, format);
    char *message = print_new_v(format, args);
    va_end(args);
    current.sink(current.context, level, message ? message : format);
    free(message);
}
