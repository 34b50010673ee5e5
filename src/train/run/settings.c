/* Numbers of a run that may be looked at, and some of them set, while it goes on. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "train/core/state.h"
#include "train/metric/metrics.h"
#include "train/run/batches.h"
#include "train/run/composition.h"
#include "train/run/cursor.h"
#include "train/run/describe.h"
#include "train/run/length.h"
#include "train/run/norms.h"
#include "train/run/programs.h"
#include "train/run/settings.h"
#include "train/run/trainer_internal.h"

/* One of them: the learning rate, frames a batch, a limit of training, the coefficient of a term, what a layer has, the
 * norm of something that the optimizer keeps, or a number of the optimizer's or the scheduler's state. */
enum source { RATE, BATCH_SIZE, LENGTH, COEFFICIENT, LAYER, MOMENT, STATE };
struct setting_place {
    enum source source;
    const struct variable *variable;
    const struct layer *layer;
    const struct layer_setting *setting;
    int term, other;
};

static int terms(const struct trainer *trainer) {
    return trainer->evaluation.loss ? (int)metrics_nterms(trainer->evaluation.loss) : 0;
}

static int name_of(const struct trainer *trainer, const struct setting_place *place, char name[256]) {
    const char *term =
        place->term < terms(trainer) ? metrics_term_name(trainer->evaluation.loss, (size_t)place->term) : "";
    const char *other =
        place->other < terms(trainer) ? metrics_term_name(trainer->evaluation.loss, (size_t)place->other) : "";
    switch (place->source) {
    case RATE:
        return place->term ? snprintf(name, 256, "lr.pg%d", place->term + 1) : snprintf(name, 256, "lr");
    case BATCH_SIZE:
        return snprintf(name, 256, "batch_size");
    case LENGTH:
        return snprintf(name, 256, "%s", length_name((enum length)place->term));
    case COEFFICIENT:
        return snprintf(name, 256, "loss.%s", term);
    case MOMENT:
        return snprintf(name, 256, "optimizer.%s", trainer->optimizer.kind->slot_names[place->term]);
    case STATE:
        return snprintf(name, 256, "%s", place->variable->name);
    case LAYER:
        break;
    }
    const struct layer_setting *setting = place->setting;
    return snprintf(name, 256, "%s%s%s%s%s", setting->name, setting->each > 0 ? "." : "", setting->each > 0 ? term : "",
                    setting->each > 1 ? "." : "", setting->each > 1 ? other : "");
}

/* Calls with each in turn until one returns something else than 0, which is returned. */
typedef int visit(void *context, const struct setting_place *place);

static int visit_setting(const struct trainer *trainer, const struct layer *layer, const struct layer_setting *setting,
                         visit *call, void *context) {
    struct setting_place place = {.source = LAYER, .layer = layer, .setting = setting};
    int code = 0, most = setting->each > 0 ? terms(trainer) : 1;
    for (place.term = 0; !code && place.term < most; place.term++)
        for (place.other = place.term + 1; !code && place.other < (setting->each > 1 ? most : place.term + 2);
             place.other++)
            code = call(context, &place);
    return code;
}

static int has_later(const struct trainer *trainer, int layer, const char *name) {
    for (int l = layer + 1; l < trainer->composition.nlayers; l++)
        for (size_t k = 0; k < trainer->composition.layers[l].kind->nsettings; k++)
            if (!strcmp(trainer->composition.layers[l].kind->settings[k].name, name))
                return 1;
    return 0;
}

/* What `info optimizer` and `info scheduler` show of where they are. */
static int visit_state(const struct trainer *trainer, visit *call, void *context) {
    int code = 0, moments = trainer->optimizer.kind ? trainer->optimizer.slots : 0;
    for (int s = 0; !code && s < moments; s++)
        code = call(context, &(struct setting_place){.source = MOMENT, .term = s});
    for (size_t k = 0; !code && k < state_count(trainer->state); k++) {
        const struct variable *variable = state_at(trainer->state, k);
        int ours = !strncmp(variable->name, "optimizer.", 10) || !strncmp(variable->name, "scheduler.", 10);
        int number = variable->count == 1 && !variable->big;
        if (ours && number && (variable->type == STATE_I64 || variable->type == STATE_F64))
            code = call(context, &(struct setting_place){.source = STATE, .variable = variable});
    }
    return code;
}

static int visit_all(const struct trainer *trainer, visit *call, void *context) {
    int code = 0;
    for (int g = 0; !code && trainer->optimizer.kind && g < trainer->optimizer.groups.count; g++)
        code = call(context, &(struct setting_place){.source = RATE, .term = g});
    if (!code && trainer->batches.size)
        code = call(context, &(struct setting_place){.source = BATCH_SIZE});
    for (int k = 0; !code && k < terms(trainer); k++)
        code = call(context, &(struct setting_place){.source = COEFFICIENT, .term = k});
    for (int l = 0; !code && l < trainer->composition.nlayers; l++) {
        const struct layer *layer = &trainer->composition.layers[l];
        for (size_t k = 0; !code && k < layer->kind->nsettings; k++)
            if (!has_later(trainer, l, layer->kind->settings[k].name))
                code = visit_setting(trainer, layer, &layer->kind->settings[k], call, context);
    }
    if (!code)
        code = visit_state(trainer, call, context);
    for (int k = 0; !code && trainer->batches.size && k < LENGTHS; k++)
        code = call(context, &(struct setting_place){.source = LENGTH, .term = k});
    return code;
}

/* ---------------------------------------------------------------- by number */

struct numbered {
    const struct trainer *trainer;
    size_t left;
    char *name;
};

static int count_one(void *context, const struct setting_place *place) {
    (void)place;
    ++*(size_t *)context;
    return 0;
}

size_t trainer_settings(const struct trainer *trainer) {
    size_t count = 0;
    visit_all(trainer, count_one, &count);
    return count;
}

static int name_one(void *context, const struct setting_place *place) {
    struct numbered *numbered = context;
    if (numbered->left--)
        return 0;
    name_of(numbered->trainer, place, numbered->name);
    return 1;
}

const char *trainer_setting_name(const struct trainer *trainer, size_t k) {
    static _Thread_local char name[256];
    struct numbered numbered = {trainer, k, name};
    return visit_all(trainer, name_one, &numbered) ? name : "";
}

/* ---------------------------------------------------------------- by name */

struct named {
    const struct trainer *trainer;
    const char *name;
    struct setting_place place;
    const char **names; /* all of them, where there is none of this name */
    size_t count, most;
    struct arena *arena;
};

static int find_one(void *context, const struct setting_place *place) {
    struct named *named = context;
    char name[256];
    name_of(named->trainer, place, name);
    named->place = *place;
    return !strcmp(name, named->name);
}

static int list_one(void *context, const struct setting_place *place) {
    struct named *named = context;
    char name[256];
    name_of(named->trainer, place, name);
    if (named->count < named->most && (named->names[named->count] = arena_string(named->arena, name)))
        named->count++;
    return 0;
}

static int unknown(const struct trainer *trainer, const char *name, struct error *error) {
    struct named named = {.trainer = trainer, .most = trainer_settings(trainer), .arena = arena_new()};
    const char *near = NULL;
    named.names = named.arena ? arena_alloc(named.arena, (named.most + 1) * sizeof *named.names) : NULL;
    if (named.names) {
        visit_all(trainer, list_one, &named);
        near = text_nearest(name, named.names, named.count);
    }
    int code = error_set(error, ERROR_NAME, "there is no setting '%.100s'%s", name, DID_YOU_MEAN(near));
    if (named.arena)
        arena_free(named.arena);
    return code;
}

static int find(const struct trainer *trainer, const char *name, struct setting_place *out) {
    struct named named = {.trainer = trainer, .name = name};
    if (!visit_all(trainer, find_one, &named))
        return -1;
    *out = named.place;
    return 0;
}

/* The layer that has taken over what a setting is of; NULL: none has. */
static const struct layer *taken_over(const struct trainer *trainer, const struct setting_place *place) {
    unsigned claim = place->setting->claim;
    const struct layer *holder =
        claim ? composition_claimant((struct composition *)&trainer->composition, claim) : place->layer;
    return holder == place->layer ? NULL : holder;
}

int trainer_get(const struct trainer *trainer, const char *name, double *value, struct error *error) {
    struct setting_place place;
    if (norms_value(trainer, name, value))
        return 0;
    if (find(trainer, name, &place))
        return error ? unknown(trainer, name, error) : ERROR_NAME;
    switch (place.source) {
    case RATE:
        *value = ((double *)trainer->optimizer.lr->data)[2 * place.term];
        break;
    case BATCH_SIZE:
        *value = (double)*(int64_t *)trainer->batches.size->data;
        break;
    case LENGTH:
        *value = length_get(trainer, (enum length)place.term);
        break;
    case COEFFICIENT:
        *value = metrics_coefficient(trainer->evaluation.loss, (size_t)place.term);
        break;
    case LAYER:
        *value = taken_over(trainer, &place) ? NAN
                 : place.setting->each       ? place.setting->get_at(place.layer, place.term, place.other)
                                             : place.setting->get(place.layer);
        break;
    case MOMENT:
        *value = optimizer_norm(trainer, place.term);
        break;
    case STATE:
        *value = place.variable->type == STATE_I64 ? (double)*(const int64_t *)place.variable->data
                                                   : *(const double *)place.variable->data;
        break;
    }
    return 0;
}

static int set_coefficient(struct trainer *trainer, int term, double value, struct error *error) {
    double values[MAX_TERMS], total = 0;
    int any = 0;
    for (int k = 0; k < terms(trainer); k++) {
        values[k] = k == term ? value : metrics_coefficient(trainer->evaluation.loss, (size_t)k);
        any |= !isnan(values[k]);
        total += isnan(values[k]) ? 0 : values[k];
    }
    if (!any)
        return error_set(error, ERROR_VALUE, "no term of the loss would have a coefficient");
    if (!(total >= DBL_MIN && total <= DBL_MAX)) /* they are divided by it */
        return error_set(error, ERROR_VALUE, "the coefficients of the loss would add up to %g: a sum above 0 is needed",
                         total);
    return metrics_set_coefficients(trainer->evaluation.loss, values, error);
}

const struct state_range gradient_limits = {0, INFINITY, 0};

int clip_value_set(struct variable *limit, double value, struct error *error) {
    if (!(value >= 0) || isinf(value))
        return error_set(error, ERROR_VALUE, "gradient_clip_val must be a number of 0 or more, not %g", value);
    *(double *)limit->data = value;
    return 0;
}

int trainer_set(struct trainer *trainer, const char *name, double value, struct error *error) {
    struct setting_place place;
    double now;
    if (norms_value(trainer, name, &now))
        return error_set(error, ERROR_VALUE, "%s can be looked at, not set", name);
    if (find(trainer, name, &place))
        return unknown(trainer, name, error);
    if (trainer->position.open)
        return error_set(error, ERROR_STATE, "a batch is under way: finish it before %s is changed", name);
    switch (place.source) {
    case RATE:
        if (!(value >= 0) || isinf(value))
            return error_set(error, ERROR_VALUE, "%s must be a number of 0 or more, not %g", name, value);
        ((double *)trainer->optimizer.lr->data)[2 * place.term] = value;
        return 0;
    case BATCH_SIZE:
        return batches_set_size(trainer, value, error);
    case LENGTH:
        return length_set(trainer, (enum length)place.term, value, error);
    case COEFFICIENT:
        return set_coefficient(trainer, place.term, value, error);
    case MOMENT:
    case STATE:
        return error_set(error, ERROR_VALUE, "%s can be looked at, not set", name);
    case LAYER:
        break;
    }
    if (!place.setting->set)
        return error_set(error, ERROR_VALUE, "%s can be looked at, not set", name);
    const struct layer *holder = taken_over(trainer, &place);
    if (holder)
        return error_set(
            error, ERROR_VALUE,
            "%s is a setting of the layer '%s', but here the layer '%s' claims %s: it would change nothing", name,
            place.layer->kind->name, holder->kind->name, claim_name(place.setting->claim));
    return place.setting->set((struct layer *)place.layer, value, error);
}
