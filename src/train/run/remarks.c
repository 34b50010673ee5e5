/* What settings come to once the data are known: where Lightning refuses them, so is it done here; and notices where a
 * person may not expect what follows. */
#include <string.h>

#include "train/run/best.h"
#include "train/run/evaluate.h"
#include "train/run/logging.h"
#include "train/run/remarks.h"
#include "train/run/trainer.h"
#include "train/run/trainer_internal.h"
#include "train/run/trainer_options.h"

static const struct config_node *place_of(const struct trainer *trainer, const char *name) {
    const struct config_node *section = config_get(config_root(trainer->configs.resolved), "trainer");
    const struct config_node *node = config_get(section, name);
    return node ? node : section;
}

/* A fraction that leaves not even one batch of those there are. */
static int check_limit(const struct trainer *trainer, const char *name, double limit, int is_count, int64_t batches,
                       struct error *error) {
    if (is_count || limit == 0 || !batches || (int64_t)((double)batches * limit) > 0)
        return 0;
    return config_error(place_of(trainer, name), error, ERROR_VALUE,
                        "%g of %lld batches are less than one; at least %.6g is expected", limit, (long long)batches,
                        1.0 / (double)batches);
}

static int check_evaluation(const struct trainer *trainer, enum data_role role, size_t sets, struct error *error) {
    const struct trainer_settings *how = &trainer->options;
    int code = 0;
    for (size_t k = 0; !code && k < sets; k++) {
        int64_t batches = evaluate_all_batches(trainer, role, k);
        if (role == ROLE_VAL)
            code = check_limit(trainer, how->overfit ? "overfit_batches" : "limit_val_batches", how->limit_val,
                               how->limit_val_count, batches, error);
        else
            code = check_limit(trainer, "limit_test_batches", how->limit_test, how->limit_test_count, batches, error);
    }
    return code;
}

static int check_interval(const struct trainer *trainer, struct error *error) {
    const struct trainer_settings *how = &trainer->options;
    int64_t batches = trainer_batches(trainer);
    if (how->val_check_batches <= batches || !how->check_val_every_n_epoch || how->limit_val == 0)
        return 0;
    return config_error(place_of(trainer, "val_check_interval"), error, ERROR_VALUE,
                        "%lld batches, and an epoch has %lld: nothing would be validated; with "
                        "check_val_every_n_epoch: null it counts the batches of all epochs, and limit_val_batches: 0 "
                        "turns validation off",
                        (long long)how->val_check_batches, (long long)batches);
}

static void tell_processes(struct trainer *trainer) {
    int64_t processes = trainer->options.processes, size = datamodule_loader(trainer->data, ROLE_TRAIN)->batch_size;
    if (trainer->options.together > 1)
        trainer_tell(trainer, EVENT_NOTICE,
                     "each step takes %lld frames, those of the %lld processes that devices and num_nodes ask for",
                     (long long)(processes * size), (long long)processes);
    else if (processes > 1)
        trainer_tell(trainer, EVENT_NOTICE,
                     "devices and num_nodes ask for %lld processes: NequIP would step on %lld frames, %lld from each, "
                     "and this one process steps on %lld; with fettle.devices: together it takes the same %lld",
                     (long long)processes, (long long)(processes * size), (long long)size, (long long)size,
                     (long long)(processes * size));
}

static void tell_window(struct trainer *trainer) {
    int64_t window = trainer->options.accumulate_grad_batches, batches = trainer_batches(trainer);
    if (window > batches)
        trainer_tell(trainer, EVENT_NOTICE,
                     "accumulate_grad_batches is %lld, and an epoch has %lld batches: each step, at an epoch's end, "
                     "sums the gradients of %lld, divided by %lld",
                     (long long)window, (long long)batches, (long long)batches, (long long)window);
}

static void tell_average(struct trainer *trainer) {
    int64_t every = trainer->options.check_val_every_n_epoch;
    for (int k = 0; k < trainer->composition.nlayers; k++)
        if (!strcmp(trainer->composition.layers[k].kind->name, "ema") && every > 1)
            trainer_tell(trainer, EVENT_NOTICE,
                         "check_val_every_n_epoch is %lld: the average of the weights is judged that often only; "
                         "NequIP's documentation asks for 1",
                         (long long)every);
}

/* Lightning hands a sampler of one's own on to its processes in another way. */
static int check_shared(const struct trainer *trainer, struct error *error) {
    for (int role = ROLE_TRAIN; trainer->options.together > 1 && role <= ROLE_TEST; role++)
        if (datamodule_loader(trainer->data, (enum data_role)role)->sampler)
            return config_error(config_get(config_get(config_root(trainer->configs.resolved), "fettle"), "devices"),
                                error, ERROR_VALUE,
                                "the %s_dataloader has a sampler, which is not divided among processes",
                                data_role_name((enum data_role)role));
    return 0;
}

int remarks_make(struct trainer *trainer, struct error *error) {
    int code = check_shared(trainer, error);
    if (!code)
        code = check_evaluation(trainer, ROLE_VAL, trainer->evaluation.nval, error);
    if (!code)
        code = check_evaluation(trainer, ROLE_TEST, trainer->evaluation.ntest, error);
    if (code || !trainer_trains(trainer))
        return code;
    if ((code = check_interval(trainer, error)) || (code = best_check_reached(trainer, error)))
        return code;
    tell_processes(trainer);
    tell_window(trainer);
    tell_average(trainer);
    return 0;
}
