#include "train/scheduler/scheduler.h"

#include <string.h>
#include "train/core/dot.h"
#include "train/core/state.h"
#include "train/scheduler/scheduler_kind.h"

enum { MAX_DEPTH = 16 };

/* ---------------------------------------------------------------- moves */

static int advance(struct scheduler *self, double metric, struct error *error) {
    if (self->kind->step)
        return self->kind->step(self, metric, error);
    *scheduler_integer(self->step_count) += 1;
    *scheduler_integer(self->last_epoch) += 1;
    int code = self->kind->ends ? self->kind->ends(self, error) : 0;
    if (!code)
        *self->group->lr = self->kind->lr(self);
    return code;
}

int scheduler_start(struct scheduler *self, struct error *error) {
    *scheduler_integer(self->step_count) = 0;
    self->initial = 1;
    int code = advance(self, 0, error);
    self->initial = 0;
    return code;
}

int scheduler_restart(struct scheduler *self, struct error *error) {
    *scheduler_integer(self->last_epoch) = 0;
    int code = self->kind->ends ? self->kind->ends(self, error) : 0;
    if (!code)
        *self->group->lr = self->kind->closed ? self->kind->closed(self) : self->kind->lr(self);
    return code;
}

void scheduler_undo(struct scheduler *self) {
    for (size_t k = 0; k < self->nchildren; k++)
        scheduler_undo(self->children[k]);
    if (self->nchildren == 0)
        *scheduler_integer(self->last_epoch) -= 1;
}

int scheduler_step(struct scheduler *self, double metric, struct error *error) {
    return advance(self, metric, error);
}

void scheduler_steer(const struct scheduler *self, double momentum) {
    *scheduler_real(self->group->steered) = momentum;
    *self->group->momentum = momentum;
}

static void sync_all(struct scheduler *self) {
    for (size_t k = 0; k < self->nchildren; k++)
        sync_all(self->children[k]);
    if (self->kind->sync)
        self->kind->sync(self);
}

void scheduler_sync(struct scheduler *self) {
    sync_all(self);
    if (self->group->steered)
        *self->group->momentum = *scheduler_real(self->group->steered);
}

int scheduler_check_state(const struct scheduler *self, struct error *error) {
    int code = self->kind->check_state ? self->kind->check_state(self, error) : 0;
    for (size_t k = 0; !code && k < self->nchildren; k++)
        code = scheduler_check_state(self->children[k], error);
    return code;
}

/* ---------------------------------------------------------------- building */

/* What a nest is built with.  Without a state only names, types and ranges are looked at. */
struct builder {
    struct arena *arena;
    struct state *state;
    struct scheduler_group *group;
    const char *prefix;
    int depth, groups, has_momentum;
};

static int find_kind(const struct scheduler_kind **out, const struct config_node *config, struct error *error) {
    static const char *const of_code[] = {"LambdaLR", "MultiplicativeLR"};
    const struct config_node *target = config_get(config, "_target_");
    for (int k = 0; k < 2; k++)
        if (!strcmp(text_behind(config_text(target), '.'), of_code[k]))
            return config_error(target, error, ERROR_VALUE,
                                "%s takes its factors from a Python function, which a config cannot hold: ConstantLR, "
                                "LinearLR, ExponentialLR and the like, alone, chained or in sequence, serve",
                                of_code[k]);
    size_t index;
    int code = options_kind(config, "learning rate scheduler", scheduler_kinds, scheduler_kind_count, &index, error);
    if (!code)
        *out = scheduler_kinds[index];
    return code;
}

static int add_variable(struct builder *builder, struct variable **out, const char *prefix,
                        const struct scheduler_number *number, enum state_type type, struct error *error) {
    const char *full = arena_format(builder->arena, "%s%s", prefix, number->name);
    if (!full)
        return error_set(error, ERROR_MEMORY, "out of memory while making a scheduler");
    *out = state_add(builder->state, full, type, 1, 0, error);
    if (*out)
        (*out)->range = number->range;
    return *out ? 0 : error ? (int)error->code : ERROR_STATE;
}

static int add_variables(struct builder *builder, struct scheduler *self, const char *prefix, struct error *error) {
    /* a step that is taken back for each nest around it */
    static const struct state_range epochs = {-MAX_DEPTH - 1, 0x1p53, 0};
    static const struct scheduler_number last_epoch = {"last_epoch", &epochs},
                                         step_count = {"step_count", &state_counter};
    static const struct scheduler_number momentum = {"momentum", &state_finite};
    const struct scheduler_kind *kind = self->kind;
    int code = add_variable(builder, &self->last_epoch, prefix, &last_epoch, STATE_I64, error);
    if (!code)
        code = add_variable(builder, &self->step_count, prefix, &step_count, STATE_I64, error);
    for (size_t k = 0; !code && kind->integers && kind->integers[k].name; k++)
        code = add_variable(builder, &self->integer[k], prefix, &kind->integers[k], STATE_I64, error);
    for (size_t k = 0; !code && kind->reals && kind->reals[k].name; k++)
        code = add_variable(builder, &self->real[k], prefix, &kind->reals[k], STATE_F64, error);
    if (!code)
        *scheduler_integer(self->last_epoch) = -1;
    if (!code && kind->steers && kind->steers(self->options) && !self->group->steered)
        code = add_variable(builder, &self->group->steered, builder->prefix, &momentum, STATE_F64, error);
    return code;
}

/* What a table of rows cannot say. */
static int check_options(const struct builder *builder, const struct scheduler *self, const struct config_node *config,
                         struct error *error) {
    const struct scheduler_kind *kind = self->kind;
    for (size_t k = 0; k < kind->noptions; k++) {
        const struct option *option = &kind->options[k];
        const struct option_floats *list = (const void *)((const char *)self->options + option->offset);
        if (option->type == OPTION_FLOAT_LIST && !list->scalar && list->count != builder->groups)
            return config_error(scheduler_place(config, option->name), error, ERROR_VALUE,
                                "%s needs one number, or one for each parameter group (there %s %d), here are %d",
                                option->name, builder->groups == 1 ? "is" : "are", builder->groups, list->count);
    }
    int code = kind->check ? kind->check(self->options, config, error) : 0;
    if (!code && kind->steers && kind->steers(self->options) && !builder->has_momentum)
        code = config_error(scheduler_place(config, "cycle_momentum"), error, ERROR_VALUE,
                            "it cycles the momentum, which this optimizer has not: set cycle_momentum: false");
    return code;
}

static int build(struct builder *builder, struct scheduler **out, const struct config_node *config, const char *prefix,
                 struct error *error);

static int build_children(struct builder *builder, struct scheduler *self, const struct config_node *config,
                          const char *prefix, struct error *error) {
    const struct config_node *list = config_get(config, "schedulers");
    if (config_kind(list) != CONFIG_LIST || config_count(list) == 0)
        return config_error(list ? list : config, error, ERROR_TYPE,
                            "schedulers must be a list with at least one scheduler");
    if (builder->depth >= MAX_DEPTH)
        return config_error(list, error, ERROR_VALUE, "schedulers are nested too deeply");
    size_t count = config_count(list);
    self->children = arena_alloc(builder->arena, count * sizeof *self->children);
    if (!self->children)
        return error_set(error, ERROR_MEMORY, "out of memory while making a scheduler");
    builder->depth++;
    for (size_t k = 0; k < count; k++) {
        const char *inner = arena_format(builder->arena, "%s%zu.", prefix, k);
        if (!inner)
            return error_set(error, ERROR_MEMORY, "out of memory while making a scheduler");
        int code = build(builder, &self->children[k], config_at(list, k), inner, error);
        if (code)
            return code;
        self->nchildren = k + 1;
        if (self->children[k]->kind == &scheduler_plateau)
            return config_error(config_at(list, k), error, ERROR_VALUE,
                                "ReduceLROnPlateau needs a metric at each step and cannot stand within another "
                                "scheduler");
    }
    builder->depth--;
    return 0;
}

static int build(struct builder *builder, struct scheduler **out, const struct config_node *config, const char *prefix,
                 struct error *error) {
    const struct scheduler_kind *kind;
    int code = find_kind(&kind, config, error);
    if (code)
        return code;
    struct scheduler *self = arena_alloc(builder->arena, sizeof *self);
    void *options = arena_alloc(builder->arena, kind->options_size);
    if (!self || !options)
        return error_set(error, ERROR_MEMORY, "out of memory while making a scheduler");
    self->kind = kind;
    self->options = options;
    self->group = builder->group;
    code = options_read(kind->options, kind->noptions, config, NULL, options, builder->arena, error);
    if (!code && kind->nested)
        code = build_children(builder, self, config, prefix, error);
    if (!code)
        code = check_options(builder, self, config, error);
    if (!code && builder->state) {
        code = add_variables(builder, self, prefix, error);
        self->base_lr = self->group->initial_lr;
        if (!code && kind->start)
            code = kind->start(self, error);
        else if (!code)
            code = scheduler_start(self, error);
        self->group->begun = 1;
    }
    *out = self;
    return code;
}

int scheduler_new(struct scheduler **out, const struct config_node *config, const struct scheduler_subject *subject,
                  struct state *state, const char *prefix, struct error *error) {
    double lr = *subject->lr, momentum = subject->momentum ? *subject->momentum : 0;
    struct builder builder = {.arena = arena_new(),
                              .state = state,
                              .prefix = prefix,
                              .groups = subject->groups,
                              .has_momentum = subject->momentum != NULL};
    struct scheduler *self = NULL;
    int code = 0;
    if (builder.arena)
        builder.group = arena_alloc(builder.arena, sizeof *builder.group);
    if (!builder.group) {
        code = error_set(error, ERROR_MEMORY, "out of memory while making a scheduler");
        goto out;
    }
    *builder.group = (struct scheduler_group){
        .lr = subject->lr, .momentum = subject->momentum, .initial_lr = subject->initial_lr, .index = subject->group};
    code = arena_result(builder.arena, build(&builder, &self, config, prefix, error), error);
    if (code) {
        state_remove(state, prefix);
        *subject->lr = lr;
        if (subject->momentum)
            *subject->momentum = momentum;
        goto out;
    }
    self->arena = builder.arena;
    builder.arena = NULL;
    *out = self;
out:
    arena_free(builder.arena);
    return code;
}

int scheduler_check(const struct config_node *config, int groups, int has_momentum, struct error *error) {
    struct scheduler *self;
    struct builder builder = {.arena = arena_new(), .groups = groups, .has_momentum = has_momentum};
    if (!builder.arena)
        return error_set(error, ERROR_MEMORY, "out of memory while checking a scheduler");
    int code = arena_result(builder.arena, build(&builder, &self, config, "", error), error);
    arena_free(builder.arena);
    return code;
}

static int may_end(const struct scheduler *self) {
    int may = self->kind->ends != NULL;
    for (size_t k = 0; k < self->nchildren; k++)
        may |= may_end(self->children[k]);
    return may;
}

int scheduler_reaches(const struct config_node *config, const struct scheduler_subject *subject, int64_t steps,
                      struct error *error) {
    struct state *state = state_new();
    struct scheduler *self = NULL;
    double lr = subject->initial_lr, momentum = 0;
    struct scheduler_subject sketch = *subject;
    sketch.lr = &lr;
    sketch.momentum = subject->momentum ? &momentum : NULL;
    int code = state ? scheduler_new(&self, config, &sketch, state, "", error)
                     : error_set(error, ERROR_MEMORY, "out of memory while checking a scheduler");
    if (!code && !may_end(self))
        steps = 0;
    for (int64_t k = 0; !code && k < steps; k++)
        code = scheduler_step(self, 0, error);
    scheduler_free(self);
    state_free(state);
    return code;
}

void scheduler_free(struct scheduler *self) {
    if (self)
        arena_free(self->arena);
}

int scheduler_check_last_epoch(int64_t last_epoch, const struct config_node *config, struct error *error) {
    if (last_epoch == -1)
        return 0;
    return config_error(scheduler_place(config, "last_epoch"), error, ERROR_VALUE,
                        "last_epoch must be -1: a run is resumed from its checkpoint");
}

int scheduler_check_milestones(const struct option_ints *milestones, const struct config_node *config,
                               struct error *error) {
    return milestones->scalar ? config_error(scheduler_place(config, "milestones"), error, ERROR_TYPE,
                                             "milestones are a list of integers, here is one integer")
                              : 0;
}

/* ---------------------------------------------------------------- what it is */

static const char *kind_name(const struct scheduler_kind *kind) {
    return text_behind(kind->target.target, '.');
}

int scheduler_is_plateau(const struct scheduler *self) {
    return self->kind == &scheduler_plateau;
}

int scheduler_config_is_plateau(const struct config_node *config) {
    const struct scheduler_kind *kind;
    struct error ignored = {0};
    return !find_kind(&kind, config, &ignored) && kind == &scheduler_plateau;
}

const char *scheduler_name(const struct scheduler *self) {
    return kind_name(self->kind);
}

static void describe_option(const struct option *option, const void *options, struct text *out) {
    const void *value = (const char *)options + option->offset;
    char number[32];
    text_format(out, "%s=", option->name);
    if (option->type == OPTION_BOOL) {
        text_add(out, *(const int *)value ? "true" : "false");
    } else if (option->type == OPTION_INT) {
        text_format(out, "%lld", (long long)*(const int64_t *)value);
    } else if (option->type == OPTION_FLOAT) {
        text_add(out, text_double(number, *(const double *)value));
    } else if (option->type == OPTION_STRING) {
        const char *string = *(const char *const *)value;
        text_add(out, string ? string : "null");
    } else if (option->type == OPTION_FLOAT_LIST) {
        const struct option_floats *list = value;
        for (int k = 0; k < list->count; k++)
            text_format(out, "%s%s", k ? " " : "", text_double(number, list->values[k]));
    } else if (option->type == OPTION_INT_LIST) {
        const struct option_ints *list = value;
        for (int k = 0; k < list->count; k++)
            text_format(out, "%s%lld", k ? " " : "", (long long)list->values[k]);
    }
}

static void describe(const struct scheduler *self, int depth, struct text *out) {
    const struct scheduler_kind *kind = self->kind;
    text_format(out, "%*s%s(", 2 * depth, "", kind_name(kind));
    int first = 1;
    for (size_t k = 0; k < kind->noptions; k++) {
        if (kind->options[k].type == OPTION_NODE || strcmp(kind->options[k].name, "last_epoch") == 0)
            continue;
        text_add(out, first ? "" : ", ");
        describe_option(&kind->options[k], self->options, out);
        first = 0;
    }
    text_format(out, ") after %lld steps", (long long)(scheduler_epoch(self) > 0 ? scheduler_epoch(self) : 0));
    char number[32];
    for (size_t k = 0; kind->integers && kind->integers[k].name; k++)
        text_format(out, ", %s %lld", kind->integers[k].name, (long long)*scheduler_integer(self->integer[k]));
    for (size_t k = 0; kind->reals && kind->reals[k].name; k++)
        text_format(out, ", %s %s", kind->reals[k].name, text_double(number, *scheduler_real(self->real[k])));
    if (self->group->steered && kind->steers && kind->steers(self->options))
        text_format(out, ", momentum %s", text_double(number, *scheduler_real(self->group->steered)));
    text_add(out, "\n");
    for (size_t k = 0; k < self->nchildren; k++)
        describe(self->children[k], depth + 1, out);
}

void scheduler_describe(const struct scheduler *self, struct text *out) {
    describe(self, 0, out);
}
