/* `info data`: what the data sets hold, and what is odd about them; `info errors`: what the model makes of them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/set/oddities.h"
#include "data/set/survey.h"
#include "session/session_internal.h"
#include "session/view/info_data.h"
#include "train/run/look.h"

void roles_complete(struct session *session, const char *line, session_add *add, void *context) {
    (void)session, (void)line;
    for (int role = 0; role < ROLE_COUNT; role++)
        add(context, data_role_name((enum data_role)role));
}

static int read_role(struct session *session, const char *word, enum data_role *out, struct error *error) {
    for (int role = 0; role < ROLE_COUNT; role++)
        if (!strcmp(word, data_role_name((enum data_role)role))) {
            *out = (enum data_role)role;
            return 0;
        }
    return session_unknown(session, roles_complete, "data set", word, error);
}

/* ---------------------------------------------------------------- data */

static const char *unit_of(const char *field) {
    static const struct {
        const char *name, *unit;
    } units[] = {{"total_energy", " eV"},
                 {"atomic_energy", " eV"},
                 {"forces", " eV/A"},
                 {"stress", " eV/A^3"},
                 {"virial", " eV"}};
    for (size_t k = 0; k < sizeof units / sizeof *units; k++)
        if (!strcmp(units[k].name, field))
            return units[k].unit;
    return "";
}

static void print_field(struct session *session, const struct survey *survey, const struct survey_field *field) {
    const struct spread *values = &field->values;
    const char *unit = unit_of(field->name);
    struct text line = {0};
    if (field->frames < survey->frames)
        text_format(&line, "in %zu of %zu frames; ", field->frames, survey->frames);
    if (values->odd)
        text_format(&line, "%zu numbers are NaN or infinite; ", values->odd);
    if (!values->count)
        text_add(&line, "no number");
    else if (values->low == values->high)
        text_format(&line, "all are %.6g%s", values->low, unit);
    else if (!strcmp(field->name, "forces"))
        text_format(&line, "rms of a component %.4g, largest force %.4g%s (frame %zu)", values->rms / sqrt(3),
                    values->high, unit, values->high_at);
    else
        text_format(&line, "%s%.6g +- %.4g%s, from %.6g to %.6g",
                    strcmp(field->name, "total_energy") ? "" : "per atom ", values->mean, values->deviation, unit,
                    values->low, values->high);
    session_print(session, "  %-14s %s\n", field->name, line.data ? line.data : "");
    text_free(&line);
}

static void print_labels(struct session *session, const struct survey *survey) {
    static const char *const labels[] = {"total_energy", "forces", "stress"};
    int absent = 0;
    for (size_t k = 0; k < survey->nfields; k++)
        print_field(session, survey, &survey->fields[k]);
    for (size_t l = 0; l < sizeof labels / sizeof *labels; l++) {
        int there = 0;
        for (size_t k = 0; k < survey->nfields; k++)
            there |= !strcmp(survey->fields[k].name, labels[l]);
        if (!there)
            session_print(session, "%s%s", absent++ ? ", " : "  absent         ", labels[l]);
    }
    if (absent)
        session_print(session, "\n");
    for (size_t k = 0; k < survey->nunused; k++)
        session_print(session, "  not read       %s (in %zu frames)\n", survey->unused[k].text,
                      survey->unused[k].frames);
}

static void print_survey(struct session *session, const struct survey *survey, const struct dataset *set) {
    const char *const *names = model_type_names(trainer_model(session->trainer));
    session_print(session, "%zu frames, %zu atoms", survey->frames, survey->atoms);
    if (survey->least_atoms == survey->most_atoms)
        session_print(session, " (%d each)", survey->least_atoms);
    else
        session_print(session, " (%d to %d)", survey->least_atoms, survey->most_atoms);
    session_print(session, ", %zu periodic\n  %-14s ", survey->periodic, "types");
    for (int t = 0; t < survey->ntypes; t++)
        session_print(session, "%s%s %zu", t ? ", " : "", names[t], survey->types[t]);
    session_print(session, "\n");
    if (survey->with_neighbours) {
        session_print(session, "  %-14s %.4g an atom, from %.0f to %.0f", "neighbours", survey->neighbours.mean,
                      survey->neighbours.low, survey->neighbours.high);
        if (survey->isolated)
            session_print(session, "; %zu atoms have none", survey->isolated);
        session_print(session, "\n");
    }
    if (isfinite(survey->shortest)) {
        const struct frame *frame = set->frames[survey->shortest_at];
        session_print(session, "  %-14s %.4g A, %s %d - %s %d (frame %zu)\n", "shortest", survey->shortest,
                      frame->symbols[survey->shortest_i], survey->shortest_i, frame->symbols[survey->shortest_j],
                      survey->shortest_j, survey->shortest_at);
    }
    print_labels(session, survey);
    if (survey->copies)
        session_print(session, "  %-14s %zu frames have the atoms of an earlier one, frame %zu first\n", "copies",
                      survey->copies, survey->first_copy);
}

static int print_oddities(struct session *session, const struct dataset *set, struct error *error) {
    struct text lines = {0}, hint = {0};
    int code = oddities_find(set, &lines, error);
    for (size_t f = 0; f < set->count && !hint.size && f < 100; f++)
        for (int k = 0; k < 3 && !hint.size; k++) {
            static const char *const labels[] = {"total_energy", "forces", "stress"};
            if (!frame_field(set->frames[f], labels[k]))
                oddities_hint(set->frames[f], labels[k], &hint);
        }
    if (hint.size)
        text_format(&lines, "%s\n", hint.data + 2);
    for (char *line = lines.data, *end; !code && line && (end = strchr(line, '\n')); line = end + 1)
        session_print(session, "  %-14s %.*s\n", "odd", (int)(end - line), line);
    text_free(&lines);
    text_free(&hint);
    return code;
}

int info_data(struct session *session, int count, char *const *words, struct error *error) {
    const struct datamodule *data = trainer_data(session->trainer);
    int types = model_ntypes(trainer_model(session->trainer)), code = 0;
    struct survey train = {0};
    enum data_role only = ROLE_TRAIN;
    int have_train = datamodule_count(data, ROLE_TRAIN) > 0;

    if (count && (code = read_role(session, words[0], &only, error)))
        return code;
    if (count && !datamodule_count(data, only))
        return error_set(error, ERROR_STATE, "there are no %s data", words[0]);
    if (have_train && (code = survey_make(&train, datamodule_dataset(data, ROLE_TRAIN, 0), types, error)))
        return code;
    for (int role = 0; role < ROLE_COUNT && !code; role++)
        for (size_t k = 0; k < datamodule_count(data, (enum data_role)role) && !code; k++) {
            const struct dataset *set = datamodule_dataset(data, (enum data_role)role, k);
            struct survey survey;
            if ((count && role != (int)only) || (code = survey_make(&survey, set, types, error)))
                continue;
            session_print(session, "%s %zu: ", data_role_name((enum data_role)role), k);
            print_survey(session, &survey, set);
            size_t shared = have_train && role != ROLE_TRAIN ? survey_shared(&survey, &train) : 0;
            if (shared)
                session_print(session, "  %-14s %zu of these frames are among the training data\n", "seen before",
                              shared);
            survey_free(&survey);
            code = print_oddities(session, set, error);
        }
    survey_free(&train);
    return code;
}

/* ---------------------------------------------------------------- errors */

struct data_sums {
    size_t count;
    double absolute, square, difference, largest, label;
};

struct errors {
    int ntypes;
    struct data_sums *types; /* [ntypes + 1]: the last is of all */
};

static void add_error(struct data_sums *sums, double reference, double predicted) {
    double d = predicted - reference;
    if (isnan(reference)) /* no label */
        return;
    sums->count++;
    sums->absolute += fabs(d);
    sums->square += d * d;
    sums->difference += d;
    sums->label += reference * reference;
    if (!(fabs(d) <= sums->largest))
        sums->largest = fabs(d);
}

static void add_to(void *context, int type, double reference, double predicted) {
    struct errors *errors = context;
    if (type >= 0 && type < errors->ntypes)
        add_error(&errors->types[type], reference, predicted);
    add_error(&errors->types[errors->ntypes], reference, predicted);
}

static void print_sums(struct session *session, const char *name, const struct data_sums *sums) {
    double n = (double)sums->count, mean = sums->count ? 1e3 * sums->difference / n : 0;
    if (!sums->count)
        return;
    mean = fabs(mean) < 5e-4 ? 0 : mean; /* no sign where no digit is seen */
    session_print(session, "  %-12s %9.3f %9.3f %9.3f %9.3f %9.3f %8zu\n", name, 1e3 * sums->absolute / n,
                  1e3 * sqrt(sums->square / n), mean, 1e3 * sums->largest, 1e3 * sqrt(sums->label / n), sums->count);
}

static int print_errors(struct session *session, enum data_role role, size_t set, int forces, struct error *error) {
    const char *const *names = model_type_names(trainer_model(session->trainer));
    struct errors errors = {.ntypes = forces ? model_ntypes(trainer_model(session->trainer)) : 0};
    errors.types = calloc((size_t)errors.ntypes + 1, sizeof *errors.types);
    int code = errors.types ? trainer_parity(session->trainer, role, set, forces, add_to, &errors, error)
                            : error_memory(error);
    const struct data_sums *all = errors.types ? &errors.types[errors.ntypes] : NULL;
    if (!code && !all->count)
        session_print(session, "%s %zu has no %s\n", data_role_name(role), set, forces ? "forces" : "energies");
    if (!code && all->count) {
        session_print(session, "%s %zu, %-20s   MAE      RMSE      mean   largest rms label  numbers\n",
                      data_role_name(role), set, forces ? "forces, meV/A" : "energies, meV/atom");
        for (int t = 0; t < errors.ntypes; t++)
            print_sums(session, names[t], &errors.types[t]);
        print_sums(session, "all", all);
    }
    free(errors.types);
    return code;
}

void session_print_weights(struct session *session) {
    if (trainer_look_weights(session->trainer) == WEIGHTS_RAW)
        session_print(session, "with the raw weights (ema off)\n");
}

int info_errors(struct session *session, int count, char *const *words, struct error *error) {
    const struct datamodule *data = trainer_data(session->trainer);
    enum data_role role = datamodule_count(data, ROLE_VAL) ? ROLE_VAL : ROLE_TRAIN;
    int code = count ? read_role(session, words[0], &role, error) : 0;
    if (code)
        return code;
    if (!datamodule_count(data, role))
        return error_set(error, ERROR_STATE, "there are no %s data", data_role_name(role));
    session_print_weights(session);
    for (size_t k = 0; k < datamodule_count(data, role) && !code; k++)
        for (int forces = 0; forces < 2 && !code; forces++)
            code = print_errors(session, role, k, forces, error);
    return code;
}
