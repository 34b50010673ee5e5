#include "train/core/duration.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    double seconds;
} units[] = {{"weeks", 604800}, {"days", 86400},        {"hours", 3600},       {"minutes", 60},
             {"seconds", 1},    {"milliseconds", 1e-3}, {"microseconds", 1e-6}};
enum { UNITS = sizeof units / sizeof *units };

static int read_map(const struct config_node *node, const char *name, double *out, struct error *error) {
    const struct config_node *target = config_get(node, "_target_");
    if (target && strcmp(config_text(target), "datetime.timedelta"))
        return config_error(target, error, ERROR_NAME, "%s is a datetime.timedelta, not '%.60s'", name,
                            config_text(target));
    for (size_t k = 0; k < config_count(node); k++) {
        const struct config_node *value = config_at(node, k);
        size_t u = 0;
        if (value == target)
            continue;
        while (u < UNITS && strcmp(units[u].name, config_key(node, k)))
            u++;
        if (u == UNITS)
            return config_error(config_key_node(node, k), error, ERROR_NAME,
                                "%s: '%.60s' is none of weeks, days, hours, minutes, seconds, milliseconds, "
                                "microseconds",
                                name, config_key(node, k));
        if (!config_is_number(value))
            return config_error(value, error, ERROR_TYPE, "a number is expected, not %s", config_kind_name(value));
        *out += units[u].seconds * config_float(value);
    }
    return 0;
}

/* Digits, as many as stand there, or exactly two. */
static const char *read_part(const char *text, int all, double *out) {
    const char *end = text;
    *out = 0;
    while (isdigit((unsigned char)*end) && (all || end - text < 2))
        *out = 10 * *out + (*end++ - '0');
    return end == text || (!all && end - text != 2) ? NULL : end;
}

int duration_read(const struct config_node *node, const char *name, double *out, struct error *error) {
    static const double weights[] = {86400, 3600, 60, 1};
    *out = 0;
    if (config_kind(node) == CONFIG_MAP) {
        int code = read_map(node, name, out, error);
        if (!code && !(*out >= 0 && isfinite(*out)))
            code = config_error(node, error, ERROR_VALUE, "%s is a finite number of seconds, and not negative", name);
        return code;
    }
    const char *at = config_kind(node) == CONFIG_STRING ? config_text(node) : "";
    at += strspn(at, " \t");
    for (int k = 0; at && k < 4; k++) {
        double part;
        at = read_part(at, k == 0, &part);
        *out += at ? weights[k] * part : 0;
        if (at && k < 3)
            at = *at == ':' ? at + 1 : NULL;
    }
    if (!at || at[strspn(at, " \t")] || !isfinite(*out))
        return config_error(node, error, ERROR_VALUE, "%s is written DD:HH:MM:SS, or as a map of days, hours, ...",
                            name);
    return 0;
}
