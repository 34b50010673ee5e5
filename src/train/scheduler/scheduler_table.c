#include "train/scheduler/scheduler_kind.h"

const struct scheduler_kind *const scheduler_kinds[] = {
    &scheduler_plateau,       &scheduler_step_lr,         &scheduler_multi_step_lr, &scheduler_exponential_lr,
    &scheduler_cosine_lr,     &scheduler_cosine_restarts, &scheduler_linear_lr,     &scheduler_constant_lr,
    &scheduler_polynomial_lr, &scheduler_one_cycle,       &scheduler_cyclic,        &scheduler_swa,
    &scheduler_sequential,    &scheduler_chained,
};
const size_t scheduler_kind_count = sizeof scheduler_kinds / sizeof *scheduler_kinds;
