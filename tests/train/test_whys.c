/* Why a metric is no number: told once where it becomes so, and there to be looked up. */
#include "runs.h"

#include <math.h>
#include <string.h>

#define METRIC(name, metric, field, rest)                                                                              \
    "{name: " name ", field: " field ", metric: {_target_: " metric "}, coeff: null" rest "}"
#define MAE "nequip.train.MeanAbsoluteError"
#define MAX "nequip.train.MaximumAbsoluteError"
#define PER_TYPE ", per_type: true"
#define VAL_METRICS                                                                                                    \
    "+training_module.val_metrics.metrics=[" METRIC("e", MAE, "total_energy", "") ", " METRIC(                         \
        "f", MAE, "forces", PER_TYPE) ", " METRIC("m", MAX, "forces", PER_TYPE) ", " METRIC("r",                       \
                                                                                            "torchmetrics.R2Score",    \
                                                                                            "total_energy", "") "]"

static const struct {
    const char *name, *why;
    int follows; /* it is not told, or with another */
} rows[] = {
    {"f_N", "no atom of type N was there", 0},
    {"f", "f_N is none", 1},
    {"m_N", "no atom of type N was there", 0},
    {"r", "1 rows are too few", 0},
};

static int times(const char *text, const char *what) {
    int count = 0;
    for (; (text = strstr(text, what)); text++)
        count++;
    return count;
}

Test(whys, a_metric_that_is_no_number) {
    struct heard heard = {0};
    struct start start = {.output = "out", .heard = &heard};
    double value;
    case_enter("ema_adam");
    start_add(&start, "trainer.max_epochs=3");
    start_add(&start, "+trainer.limit_val_batches=1");
    start_add(&start, "data.val_dataloader.batch_size=1");
    start_add(&start, "data.transforms.0.model_type_names=[C,H,O,N]");
    start_add(&start, "training_module.model.type_names=[C,H,O,N]");
    start_add(&start, "training_module.model.per_type_energy_scales=1.0");
    start_add(&start, "training_module.model.per_type_energy_shifts=0.0");
    start_add(&start, "~training_module.lr_scheduler");
    start_add(&start, "~training_module.val_metrics.coeffs");
    start_add(&start, "training_module.val_metrics._target_=nequip.train.MetricsManager");
    start_add(&start, VAL_METRICS);
    struct trainer *trainer = case_open(&start);
    case_run(trainer);
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        char name[64], told[128];
        snprintf(name, sizeof name, "val0_epoch/%s", rows[k].name);
        snprintf(told, sizeof told, "%s (%s", k == 0 ? "f_N, m_N" : rows[k].name, rows[k].why);
        cr_assert(trainer_metric(trainer, name, &value), "%s", name);
        cr_expect_not(isfinite(value), "%s is %g", name, value);
        cr_expect(strstr(trainer_metric_why(trainer, name), rows[k].why), "%s: %s", name,
                  trainer_metric_why(trainer, name));
        cr_expect_eq(times(heard.notices_said, told), !rows[k].follows, "'%s' once in '%s'", told, heard.notices_said);
    }
    cr_expect_str_eq(trainer_metric_why(trainer, "val0_epoch/f_C"), "");
    cr_expect_str_eq(trainer_metric_why(trainer, "val0_epoch/e"), "");
    trainer_free(trainer);
}
