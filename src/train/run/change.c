/* Changes to a run that goes on: made, remembered, told. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/core/state.h"
#include "train/optimizer/optimizer.h"
#include "train/run/audit.h"
#include "train/run/change.h"
#include "train/run/logging.h"
#include "train/run/parameters.h"
#include "train/run/retool.h"
#include "train/run/run_folder.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"

static int set(struct trainer *trainer, int count, const char *const *words, struct text *report, struct error *error) {
    char number[32];
    if (count != 3)
        return error_set(error, ERROR_USAGE, "usage: set NAME VALUE");
    double value = strcmp(words[2], "null") ? text_to_double(words[2], strlen(words[2])) : NAN;
    if (isnan(value) && strcmp(words[2], "null") && strcmp(words[2], "nan"))
        return error_set(error, ERROR_TYPE, "%s is a number, not \"%.100s\"", words[1], words[2]);
    int code = trainer_set(trainer, words[1], value, error);
    if (code || !report)
        return code;
    trainer_get(trainer, words[1], &value, NULL);
    text_format(report, "%s = %s\n", words[1], isnan(value) ? "null" : text_double(number, value));
    return 0;
}

/* The learning rate stays, whatever the optimizer's own default is: as a word, so that the log says it. */
static void with_rate(struct trainer *trainer, int *count, const char **words, char rate[48]) {
    char number[32];
    for (int k = 2; k < *count; k++)
        if (!strncmp(words[k], "lr=", 3))
            return;
    if (*count < 2 || !trainer->optimizer.kind || !optimizer_has_option(words[1], "lr"))
        return;
    snprintf(rate, 48, "lr=%s", text_double(number, *(double *)trainer->optimizer.lr->data));
    words[(*count)++] = rate;
}

static const struct change {
    const char *name;
    int (*make)(struct trainer *trainer, int count, const char *const *words, struct text *report, struct error *error);
} changes[] = {{"set", set},
               {"strategy", retool},
               {"optimizer", retool},
               {"freeze", parameters_freeze},
               {"unfreeze", parameters_freeze},
               {"reinit", parameters_reinit}};

const char *trainer_change_name(size_t k) {
    return k < sizeof changes / sizeof *changes ? changes[k].name : NULL;
}

static int unknown(const char *name, struct error *error) {
    size_t count = sizeof changes / sizeof *changes;
    struct text names = {0};
    for (size_t k = 0; k < count; k++)
        text_format(&names, "%s%s", !k ? "" : k + 1 < count ? ", " : " or ", changes[k].name);
    int code = error_set(error, ERROR_NAME, "a change is %s, not '%.60s'", names.data ? names.data : "another", name);
    text_free(&names);
    return code;
}

int trainer_change(struct trainer *trainer, int count, const char *const *given, struct text *report,
                   struct error *error) {
    const struct change *change = NULL;
    const char *words[CHANGE_WORDS + 1];
    char rate[48];
    if (count > CHANGE_WORDS)
        return error_set(error, ERROR_USAGE, "a change of more than %d words", CHANGE_WORDS);
    for (int k = 0; k < count; k++)
        words[k] = given[k];
    if (count > 0 && !strcmp(words[0], "optimizer"))
        with_rate(trainer, &count, words, rate);
    if (count > CHANGE_WORDS)
        return error_set(error, ERROR_USAGE, "a change of more than %d words, the learning rate among them",
                         CHANGE_WORDS);
    for (size_t k = 0; count > 0 && k < sizeof changes / sizeof *changes; k++)
        if (!strcmp(words[0], changes[k].name))
            change = &changes[k];
    if (!change)
        return unknown(count > 0 ? words[0] : "", error);
    if (trainer->position.open)
        return error_set(error, ERROR_STATE, "a batch is under way: finish it, or give it up, before a change");
    for (int k = 0; k < count; k++)
        if (strpbrk(words[k], "\t\n"))
            return error_set(error, ERROR_VALUE, "a change has no tabs and ends of lines in it");
    int64_t before = (int64_t)trainer->audit.text->count;
    int code = audit_add(trainer, count, words, error); /* first: it is easily taken back */
    if (!code && (code = change->make(trainer, count, words, report, error))) {
        struct error second = {0};
        state_resize(trainer->state, trainer->audit.text, (size_t)before, &second);
        if (before)
            ((char *)trainer->audit.text->data)[before - 1] = 0;
    }
    if (code)
        return code;
    struct error unwritten = {0};
    if (audit_write(trainer, &unwritten)) /* the state has it all the same */
        trainer_tell(trainer, EVENT_NOTICE, "%s", unwritten.message);
    const char *audit = trainer_audit(trainer) + (before ? before - 1 : 0);
    char *line = strndup(audit, strcspn(audit, "\n"));
    if (line)
        run_folder_note(trainer, line);
    free(line);
    return 0;
}
