#include "graph/op/op.h"

const struct op *const op_table[OP_COUNT] = {
#define OP_GIVEN(name) [ID_##name] = &op_##name,
#define OP_COMPUTED OP_GIVEN
#include "graph/op/op_list.h"
};
