/* Every op, once: OP_COMPUTED(name) where a kernel makes the numbers (kernel_<name> of the kernels' bodies),
 * OP_GIVEN(name) where they are there already.  An includer defines what it makes of a row. */
#ifndef OP_GIVEN
#define OP_GIVEN(name)
#endif
#ifndef OP_COMPUTED
#define OP_COMPUTED(name)
#endif

/* leaves */
OP_GIVEN(input)
OP_GIVEN(param)
OP_GIVEN(const)
OP_COMPUTED(fill)
/* elementwise */
OP_COMPUTED(add)
OP_COMPUTED(mul)
OP_COMPUTED(cast)
OP_COMPUTED(unary)
/* sums, their transposes, largest numbers */
OP_COMPUTED(sum)
OP_COMPUTED(spread)
OP_COMPUTED(max)
OP_COMPUTED(argmax)
/* structure */
OP_GIVEN(reshape)
OP_COMPUTED(remap)
OP_COMPUTED(gather)
OP_COMPUTED(scatter)
OP_COMPUTED(pairs_to_centres)
OP_COMPUTED(centres_to_pairs)
/* multilinear */
OP_COMPUTED(linear)
OP_COMPUTED(typed_linear)
OP_COMPUTED(fold)
OP_COMPUTED(couple)
OP_COMPUTED(tensor_product)

#undef OP_GIVEN
#undef OP_COMPUTED
