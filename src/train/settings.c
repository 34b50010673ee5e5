/* Numbers of a run that may be looked at and set while it goes on. */
#include <math.h>
#include <string.h>

#include "train/trainer_internal.h"

/* "lr", then the coefficients ("loss.forces_mse"), then what the layers have. */
static const struct layer_setting *layer_setting(const struct trainer *trainer, size_t k, const struct layer **layer) {
    for (int l = 0; l < trainer->composition.nlayers; l++) {
        const struct technique *kind = trainer->composition.layers[l].kind;
        if (k < kind->nsettings) {
            *layer = &trainer->composition.layers[l];
            return &kind->settings[k];
        }
        k -= kind->nsettings;
    }
    return NULL;
}

static size_t terms(const struct trainer *trainer) {
    return trainer->loss ? metrics_nterms(trainer->loss) : 0;
}

static size_t fixed(const struct trainer *trainer) {
    return trainer->optimizer.kind ? 2 : 0;
}

size_t trainer_settings(const struct trainer *trainer) {
    size_t count = fixed(trainer) + terms(trainer);
    for (int l = 0; l < trainer->composition.nlayers; l++)
        count += trainer->composition.layers[l].kind->nsettings;
    return count;
}

const char *trainer_setting_name(const struct trainer *trainer, size_t k) {
    static _Thread_local char name[256];
    static const char *const names[] = {"lr", "gradient_clip_val"};
    if (k < fixed(trainer))
        return names[k];
    k -= fixed(trainer);
    if (k < terms(trainer)) {
        snprintf(name, sizeof name, "loss.%s", metrics_term_name(trainer->loss, k));
        return name;
    }
    const struct layer *layer;
    const struct layer_setting *setting = layer_setting(trainer, k - terms(trainer), &layer);
    return setting ? setting->name : "";
}

static int find(const struct trainer *trainer, const char *name, size_t *out, struct error *error) {
    char names[64][128];
    const char *list[64];
    size_t count = trainer_settings(trainer);
    count = count < 64 ? count : 64;
    for (size_t k = 0; k < count; k++) {
        snprintf(names[k], sizeof names[k], "%.127s", trainer_setting_name(trainer, k));
        list[k] = names[k];
        if (!strcmp(names[k], name)) {
            *out = k;
            return 0;
        }
    }
    const char *near = text_nearest(name, list, count);
    return error_set(error, ERROR_NAME, "there is no setting '%.100s'%s%s%s", name, near ? "; the nearest is '" : "",
                     near ? near : "", near ? "'" : "");
}

int trainer_get(const struct trainer *trainer, const char *name, double *value, struct error *error) {
    size_t k;
    int code = find(trainer, name, &k, error);
    if (code)
        return code;
    if (k < fixed(trainer)) {
        *value = k ? trainer->options.gradient_clip_val : *(double *)trainer->optimizer.lr->data;
        return 0;
    }
    k -= fixed(trainer);
    if (k < terms(trainer)) {
        *value = metrics_coefficient(trainer->loss, k);
        return 0;
    }
    const struct layer *layer;
    const struct layer_setting *setting = layer_setting(trainer, k - terms(trainer), &layer);
    *value = setting->get(layer);
    return 0;
}

int trainer_set(struct trainer *trainer, const char *name, double value, struct error *error) {
    size_t k;
    int code = find(trainer, name, &k, error);
    if (code)
        return code;
    if (trainer->open)
        return error_set(error, ERROR_STATE, "a batch is under way: finish it before %s is changed", name);
    if (k < fixed(trainer)) {
        if (!(value >= 0) || isinf(value))
            return error_set(error, ERROR_VALUE, "%s must be a number of 0 or more, not %g", name, value);
        *(k ? &trainer->options.gradient_clip_val : (double *)trainer->optimizer.lr->data) = value;
        return 0;
    }
    k -= fixed(trainer);
    if (k < terms(trainer)) {
        double values[MAX_TERMS];
        for (size_t j = 0; j < terms(trainer); j++)
            values[j] = j == k ? value : metrics_coefficient(trainer->loss, j);
        return metrics_set_coefficients(trainer->loss, values, error);
    }
    const struct layer *layer;
    const struct layer_setting *setting = layer_setting(trainer, k - terms(trainer), &layer);
    if (!setting->set)
        return error_set(error, ERROR_VALUE, "%s can be looked at, not set", name);
    return setting->set((struct layer *)layer, value, error);
}
