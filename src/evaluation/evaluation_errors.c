/* How far predictions are from labels: over all labels that are numbers.  Those that are none, and frames without, are
 * told of. */
#include <math.h>
#include <string.h>
#include "base/interrupt.h"
#include "base/log.h"
#include "evaluation/evaluation.h"

/* What is compared with which field of the frames. */
struct quantity {
    const char *name, *field;
    const double *predicted; /* [frames or atoms][columns]; NULL: the model does not say */
    int per_atom, columns;
    int needs_volume; /* of the cell */
};

struct error_sums {
    size_t count, odd, without; /* numbers; labels that are none; frames without a label */
    double absolute, square;
    size_t frame; /* the first odd label */
    int atom;     /* -1: it is the frame's */
    double value;
};

static int is_absent(const struct quantity *what, const struct frame *frame, const struct field *label) {
    int nans = 0;

    if (!label || label->per_atom != what->per_atom || label->cols != what->columns ||
        (what->needs_volume && !(frame_volume(frame) > 0)))
        return 1;
    /* how a stress that is not there is written */
    for (int c = 0; !what->per_atom && c < what->columns; c++)
        nans += isnan(label->values[c]);
    return what->columns > 1 && nans == what->columns;
}

static void add_frame(const struct evaluation *e, const struct quantity *what, size_t f, size_t first_atom,
                      struct error_sums *sums) {
    const struct frame *frame = e->frames[f];
    const struct field *label = frame_field(frame, what->field);
    size_t columns = (size_t)what->columns, first = what->per_atom ? first_atom : f;
    double each = strcmp(what->field, "total_energy") ? 1 : frame->atoms;

    if (is_absent(what, frame, label)) {
        sums->without++;
        return;
    }
    for (size_t k = 0; k < columns * (what->per_atom ? (size_t)frame->atoms : 1); k++) {
        double d = (what->predicted[first * columns + k] - label->values[k]) / each;
        if (!isfinite(label->values[k])) {
            if (!sums->odd++) {
                sums->frame = f;
                sums->atom = what->per_atom ? (int)(k / columns) : -1;
                sums->value = label->values[k];
            }
            continue;
        }
        sums->count++;
        sums->absolute += fabs(d);
        sums->square += d * d;
    }
}

static void tell(const struct evaluation *e, const struct quantity *what, const struct error_sums *sums, int left_out) {
    char label[320], atom[64] = "";
    const struct frame *frame = e->frames[sums->frame];

    if (sums->odd && sums->atom >= 0)
        snprintf(atom, sizeof atom, "atom %d (%s) of ", sums->atom, frame->symbols[sums->atom]);
    if (sums->odd)
        log_message(LOG_WARNING, "the label %s of %s%s is %s; %s", what->field, atom,
                    frame_label(frame, label, sizeof label), isnan(sums->value) ? "NaN" : "infinite",
                    left_out ? "errors are of the labels that are numbers" : "no loss can be told of it");
    if (left_out && sums->without && sums->without < e->count)
        log_message(LOG_WARNING, "%zu of %zu frames have no %s; errors are of the others", sums->without, e->count,
                    what->field);
}

static void add_term(struct evaluation_terms *out, const char *name, const char *kind, double value) {
    snprintf(out->term[out->count].name, sizeof out->term[0].name, "%s_%s", name, kind);
    out->term[out->count++].value = value;
}

int evaluation_errors(const struct evaluation *e, enum evaluation_kind kind, struct evaluation_terms *out,
                      struct error *error) {
    int derivatives = fettle_has_forces(e->model), code = 0;
    const struct quantity quantities[] = {
        {"per_atom_energy", "total_energy", e->energy, 0, 1, 0},
        {"forces", "forces", derivatives ? e->forces : NULL, 1, 3, 0},
        {"stress", "stress", derivatives ? e->stress : NULL, 0, 9, 1},
    };

    out->count = 0;
    for (size_t q = 0; q < sizeof quantities / sizeof *quantities; q++) {
        const struct quantity *what = &quantities[q];
        struct error_sums sums = {0};
        size_t atom = 0;
        for (size_t f = 0; what->predicted && f < e->count && !(code = interrupt_check(error)); f++) {
            add_frame(e, what, f, atom, &sums);
            atom += (size_t)e->frames[f]->atoms;
        }
        if (code)
            return code;
        tell(e, what, &sums, kind == EVALUATION_ERRORS);
        if (!sums.count || kind != EVALUATION_ERRORS)
            continue;
        add_term(out, what->name, "mae", sums.absolute / (double)sums.count);
        add_term(out, what->name, "rmse", sqrt(sums.square / (double)sums.count));
    }
    return kind == EVALUATION_ERRORS ? 0 : evaluation_loss(e, out, error);
}
