/* What has been logged and is no number, and why: told once, and there to be looked up. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/run/trainer_internal.h"
#include "train/run/whys.h"

struct why {
    char *name, *text;
};

static struct why *find(const struct whys *whys, const char *name) {
    for (size_t k = 0; k < whys->count; k++)
        if (!strcmp(whys->list[k].name, name))
            return &whys->list[k];
    return NULL;
}

/* *known: it had a reason before.  Where memory runs out nothing is kept. */
static void put(struct whys *whys, const char *name, const char *text, int *known) {
    struct why *why = find(whys, name);
    char *copy = strdup(text);
    *known = why != NULL;
    if (!copy)
        return;
    if (why) {
        free(why->text);
        why->text = copy;
        return;
    }
    struct why *list = realloc(whys->list, (whys->count + 1) * sizeof *list);
    char *own = strdup(name);
    if (list)
        whys->list = list;
    if (!list || !own) {
        free(own);
        free(copy);
        return;
    }
    whys->list[whys->count++] = (struct why){own, copy};
}

void whys_free(struct whys *whys) {
    for (size_t k = 0; k < whys->count; k++) {
        free(whys->list[k].name);
        free(whys->list[k].text);
    }
    free(whys->list);
    *whys = (struct whys){0};
}

/* Names that have one reason stand together, and those that only follow from others are left out. */
void whys_look(struct trainer *trainer, const char *prefix, const struct metrics *metrics, const double *values) {
    struct text told = {0}, why = {0}, before = {0};
    size_t more = 0;
    if (trainer->position.aside)
        return;
    for (size_t k = 0; k < metrics_count(metrics); k++) {
        char name[256];
        int known;
        if (isfinite(values[k]))
            continue;
        snprintf(name, sizeof name, "%s%s", prefix, metrics_name(metrics, k));
        text_clear(&why);
        int follows = metrics_explain(metrics, k, values, &why);
        put(&trainer->log.whys, name, why.data ? why.data : "", &known);
        if (known || follows || !why.data)
            continue;
        int same = before.data && !strcmp(before.data, why.data);
        if (told.size > 512 && !same && ++more)
            continue;
        if (told.size && !same)
            text_format(&told, " (%s)", before.data);
        if (told.size < 512)
            text_format(&told, "%s%s", told.size ? ", " : "", told.size ? metrics_name(metrics, k) : name);
        text_clear(&before);
        text_add(&before, why.data);
    }
    if (told.size)
        text_format(&told, " (%s)", before.data ? before.data : "");
    if (more)
        text_format(&told, ", and %zu more", more);
    if (told.size)
        trainer_tell(trainer, EVENT_NOTICE, "no number: %s", told.data);
    text_free(&told);
    text_free(&why);
    text_free(&before);
}

const char *trainer_metric_why(const struct trainer *trainer, const char *name) {
    double value;
    const struct why *why = find(&trainer->log.whys, name);
    return why && trainer_metric(trainer, name, &value) && !isfinite(value) ? why->text : "";
}
