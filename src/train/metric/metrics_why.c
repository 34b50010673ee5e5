/* Why a metric is no number: from what an epoch has gathered of it. */
#include <math.h>

#include "train/metric/metrics_entry.h"

/* Of an accumulator; type NULL: of all. */
static void explain_slot(const struct entry *entry, const char *type, int64_t count, struct text *out) {
    const char *name = quantities[entry->predicted].name;
    if (!count && type)
        text_format(out, "no atom of type %s%s%s", type, entry->ignore_nan ? " has a label " : " was there",
                    entry->ignore_nan ? entry->label : "");
    else if (!count)
        text_format(out, "nothing has a label %s", entry->label);
    else if (entry->kind->value)
        text_format(out, "%lld %s are too few for it, or all alike, or a prediction is no number", (long long)count,
                    entry->ignore_nan || entry->kind->each_number ? "numbers" : "rows");
    else if (entry->predicted == PREDICTED_STRESS)
        text_add(out, "the stress of some frame is no number, as it is without a volume");
    else
        text_format(out, "%s of some frame is no number", name);
}

static const struct entry *entry_of(const struct metrics *metrics, size_t k) {
    const struct entry *entry = metrics->entries;
    for (size_t n = 1; n < metrics->nentries && metrics->entries[n].first_value <= k; n++)
        entry = &metrics->entries[n];
    return entry;
}

int metrics_explain(const struct metrics *metrics, size_t k, const double *values, struct text *out) {
    const int64_t *count = metrics->count->data;
    if (k == metrics->nvalues) {
        for (size_t n = 0; n < metrics->nentries; n++)
            if (!isnan(metrics_coefficient(metrics, n)) && !isfinite(values[metrics_term_value(metrics, n)])) {
                text_format(out, "%s is none", metrics->entries[n].name);
                return 1;
            }
        text_add(out, "it is too large");
        return 0;
    }
    const struct entry *entry = entry_of(metrics, k);
    size_t slot = k - entry->first_value;
    if (!entry->per_type) {
        explain_slot(entry, NULL, count[entry->first_slot], out);
    } else if (slot < (size_t)metrics->ntypes) {
        explain_slot(entry, metrics->type_names[slot], count[entry->first_slot + slot * entry->width], out);
    } else {
        for (int t = 0; t < metrics->ntypes; t++)
            if (!isfinite(values[entry->first_value + (size_t)t])) {
                text_format(out, "%s is none", metrics->names[entry->first_value + (size_t)t]);
                return 1;
            }
        text_add(out, "the coefficients of its types have no sum above 0");
    }
    return 0;
}
