#include "graph/run/sweeps.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "graph/op/form.h"
#include "graph/op/leaf.h"
#include "graph/op/sums.h"

enum { NARROW = 64 }; /* bytes of a row that is rather kept than made again, if it is wanted often */
enum { OFTEN = 3 };   /* sweeps */

/* What is known of a node, by its id. */
struct mark {
    struct node *now; /* what it has become */
    int level;        /* of its sweep, among those of its domain */
    enum dim domain;
    int known;
    int base;          /* depends on inputs and parameters only, row by row */
    int home;          /* sweep that makes it */
    int keep;          /* though it could be made again */
    int first, many;   /* sweep that wants it first, and how many do */
    int passed;        /* number of the passed value, or -1 */
    int seen;          /* by this sweep; 1 + its number */
    struct node *here; /* as this sweep has it */
    int built;
};

struct cut {
    struct graph *graph;
    struct mark *marks;
    int nmarks, capacity;
    struct sweeps *sweeps;
};

static int is_leaf(const struct node *node) {
    return node->ninputs == 0;
}

static enum dim domain_of(const struct node *node) {
    enum dim domain = node->dim == DIM_PAIRS || node->dim == DIM_ATOMS ? node->dim : DIM_STATIC;
    if (is_leaf(node) || op_has(node, OP_ALL_ROWS))
        return DIM_STATIC;
    for (int k = 0; k < node->ninputs; k++) {
        if (node->inputs[k]->dim == DIM_PAIRS)
            return DIM_PAIRS;
        if (node->inputs[k]->dim == DIM_ATOMS)
            domain = domain == DIM_STATIC ? DIM_ATOMS : domain;
    }
    return domain;
}

static struct mark *mark_of(struct cut *cut, const struct node *node) {
    return &cut->marks[node->id];
}

/* Whether a sweep of `user` may have made the input itself. */
static int within(struct cut *cut, const struct node *user, const struct node *input) {
    enum dim domain = mark_of(cut, user)->domain;
    return !is_leaf(input) && mark_of(cut, input)->domain == domain && (domain == DIM_STATIC || input->dim == domain);
}

static int level_for(struct cut *cut, enum dim domain, const struct node *input) {
    const struct mark *in = mark_of(cut, input);
    if (is_leaf(input))
        return 0;
    return in->level + !(in->domain == domain && (domain == DIM_STATIC || input->dim == domain));
}

/* Room for all nodes there are, and what is to be known of one. */
static int learn(struct cut *cut, const struct node *node) {
    if (cut->graph->nnodes > cut->capacity) {
        int more = 2 * cut->graph->nnodes;
        struct mark *bigger = realloc(cut->marks, (size_t)more * sizeof *bigger);
        if (!bigger)
            return error_memory(&cut->graph->error);
        memset(bigger + cut->capacity, 0, (size_t)(more - cut->capacity) * sizeof *bigger);
        cut->marks = bigger;
        cut->capacity = more;
    }
    cut->nmarks = cut->graph->nnodes;
    struct mark *m = mark_of(cut, node);
    if (m->known)
        return 0;
    for (int k = 0; k < node->ninputs; k++)
        if (learn(cut, node->inputs[k]))
            return -1;
    m = mark_of(cut, node);
    m->known = 1;
    m->passed = -1;
    m->domain = domain_of(node);
    m->base = 1;
    for (int k = 0; k < node->ninputs; k++) {
        const struct node *input = node->inputs[k];
        const struct mark *in = mark_of(cut, input);
        int level = level_for(cut, m->domain, input);
        m->level = level > m->level ? level : m->level;
        m->base &= in->base && (is_leaf(input) || in->domain == DIM_STATIC || input->dim == in->domain) &&
                   (is_leaf(input) || in->domain == m->domain || in->domain == DIM_STATIC);
    }
    return 0;
}

/* ---------------------------------------------------------------- sums taken apart */

static int term_count(const struct node *node) {
    return op_has(node, OP_SUM)     ? node->ninputs
           : op_has(node, OP_TERMS) ? ((const struct form_attr *)node->attr)->nterms
                                    : 1;
}

static int term_level(struct cut *cut, const struct node *node, enum dim domain, int term) {
    int each = node->ninputs / term_count(node), level = 0;
    for (int k = term * each; k < (term + 1) * each; k++) {
        int l = level_for(cut, domain, node->inputs[k]);
        level = l > level ? l : level;
    }
    return level;
}

/* The terms of one level. */
static struct node *part_of(struct cut *cut, struct node *node, const int *levels, int level) {
    int terms = term_count(node), each = node->ninputs / terms, n = 0;
    struct node **inputs = calloc((size_t)node->ninputs, sizeof *inputs), *part = NULL;
    double *factors = calloc((size_t)terms, sizeof *factors);
    const double *all = op_has(node, OP_SUM) ? ((const struct add_attr *)node->attr)->factor : form_factors(node->attr);
    if (!inputs || !factors) {
        error_memory(&cut->graph->error);
        part = node;
    }
    for (int t = 0; t < terms && !part; t++)
        if (levels[t] == level) {
            memcpy(inputs + n * each, node->inputs + t * each, (size_t)each * sizeof *inputs);
            factors[n++] = all[t];
        }
    if (!part && !op_has(node, OP_SUM))
        part = form_terms(cut->graph, node->op, node->attr, n, factors, inputs);
    for (int t = 0; t < n && op_has(node, OP_SUM); t++) {
        struct node *scaled = graph_scale(cut->graph, inputs[t], factors[t]);
        part = part ? graph_add(cut->graph, part, scaled) : scaled;
    }
    free(inputs);
    free(factors);
    return part;
}

static size_t row_size(const struct node *node) {
    return (size_t)node->layout->cols * dtype_size(node->dtype);
}

/* The same node on other inputs. */
static struct node *remade(struct graph *graph, const struct node *node, struct node *const *inputs) {
    graph_push_module(graph, node->module);
    struct node *made = node_remake(graph, node, inputs);
    graph_pop_module(graph);
    return made;
}

/* Whether rows of pairs, of which there are many more than atoms, take less afterwards. */
static int narrows(const struct node *node) {
    return op_has(node, OP_COLUMNS) && node->dim == DIM_PAIRS && row_size(node) < row_size(node->inputs[0]);
}

/* What narrows a sum that grows from sweep to sweep is done to its terms, so that the narrow rows are those kept. */
static struct node *narrowed(struct cut *cut, struct node *node) {
    struct node *sum = narrows(node) ? node->inputs[0] : NULL, *out = NULL;
    if (!sum || !op_has(sum, OP_SUM))
        return node;
    int low = term_level(cut, sum, DIM_PAIRS, 0), mixed = 0;
    for (int t = 1; t < sum->ninputs; t++)
        mixed |= term_level(cut, sum, DIM_PAIRS, t) != low;
    for (int t = 0; mixed && t < sum->ninputs; t++) {
        struct node *term = narrowed(cut, remade(cut->graph, node, &sum->inputs[t]));
        term = graph_scale(cut->graph, term, ((const struct add_attr *)sum->attr)->factor[t]);
        if (learn(cut, term))
            return node;
        out = out ? graph_add(cut->graph, out, term) : term;
    }
    return out ? out : node;
}

static struct node *take_apart(struct cut *cut, struct node *node) {
    int terms = term_count(node), low = 0, high = 0;
    enum dim domain = domain_of(node);
    int *levels = domain != DIM_STATIC && terms > 1 ? calloc((size_t)terms, sizeof *levels) : NULL;
    struct node *sum = NULL;
    for (int t = 0; levels && t < terms; t++) {
        levels[t] = term_level(cut, node, domain, t);
        low = t == 0 || levels[t] < low ? levels[t] : low;
        high = levels[t] > high ? levels[t] : high;
    }
    for (int level = low; levels && low < high && level <= high; level++) {
        int any = 0;
        for (int t = 0; t < terms; t++)
            any |= levels[t] == level;
        if (!any)
            continue;
        struct node *part = part_of(cut, node, levels, level);
        sum = sum ? graph_add(cut->graph, sum, part) : part;
    }
    free(levels);
    return sum ? sum : narrowed(cut, node);
}

static int take_sums_apart(struct cut *cut, struct node **outputs, int noutputs) {
    struct graph *graph = cut->graph;
    int top = graph->nnodes;
    int *needed = calloc((size_t)top, sizeof *needed);
    struct node **inputs = NULL;
    if (!needed)
        goto memory;
    for (int k = 0; k < noutputs; k++)
        graph_mark(outputs[k], 1, needed);
    for (int id = 0; id < top && !graph->error.code; id++) {
        struct node *node = graph->nodes[id];
        if (!needed[id])
            continue;
        struct node **more = realloc(inputs, (size_t)(node->ninputs + 1) * sizeof *inputs);
        if (!more)
            goto memory;
        inputs = more;
        int changed = 0;
        for (int k = 0; k < node->ninputs; k++) {
            inputs[k] = cut->marks[node->inputs[k]->id].now;
            changed |= inputs[k] != node->inputs[k];
        }
        struct node *now = changed ? remade(graph, node, inputs) : node;
        for (int k = 0; k < now->ninputs; k++)
            if (learn(cut, now->inputs[k]))
                goto memory;
        graph_push_module(graph, node->module);
        now = take_apart(cut, now);
        graph_pop_module(graph);
        if (learn(cut, now))
            goto memory;
        cut->marks[id].now = now;
    }
    for (int k = 0; k < noutputs; k++)
        outputs[k] = cut->marks[outputs[k]->id].now;
    goto out;
memory:
    error_memory(&graph->error);
out:
    free(needed);
    free(inputs);
    return graph->error.code;
}

/* ---------------------------------------------------------------- which sweep makes what */

static int sweep_key(const struct mark *mark) {
    return 3 * mark->level + (mark->domain == DIM_STATIC ? 0 : mark->domain == DIM_ATOMS ? 1 : 2);
}

static void find_homes(struct cut *cut, struct node *node, int *keys) {
    struct mark *m = mark_of(cut, node);
    if (m->built)
        return;
    m->built = 1;
    m->home = sweep_key(m);
    keys[m->home] = 1;
    for (int k = 0; k < node->ninputs; k++)
        find_homes(cut, node->inputs[k], keys);
}

/* Whether rows took less before. */
static int widens(const struct node *node) {
    return op_has(node, OP_COLUMNS) && !is_leaf(node->inputs[0]) && row_size(node->inputs[0]) < row_size(node);
}

/* Whether a value is made again by a later sweep rather than kept for it: functions of one operand that do not narrow
 * it, what depends on inputs only, and whatever is wide of pairs. */
static int again(const struct mark *mark, const struct node *node) {
    if (mark->domain == DIM_STATIC)
        return 0;
    return mark->base || (op_has(node, OP_AGAIN) && !narrows(node)) ||
           (node->dim == DIM_PAIRS && row_size(node) > NARROW);
}

static int made_here(struct cut *cut, const struct node *user, const struct node *input, int sweep) {
    const struct mark *m = mark_of(cut, input);
    if (!within(cut, user, input))
        return 0;
    if (m->home == sweep || (m->keep && sweep < m->home))
        return 1;
    return !m->keep && again(m, input);
}

static void pass(struct cut *cut, struct node *node, int sweep) {
    struct mark *m = mark_of(cut, node);
    struct sweeps *all = cut->sweeps;
    if (m->passed < 0) {
        m->passed = all->npassed++;
        all->passed[m->passed] = (struct passed){.node = node, .made = m->home, .last = sweep};
    }
    if (sweep > all->passed[m->passed].last)
        all->passed[m->passed].last = sweep;
}

static void demand(struct cut *cut, struct node *node, int sweep) {
    struct mark *m = mark_of(cut, node);
    if (m->seen == 1 + sweep)
        return;
    m->seen = 1 + sweep;
    m->many++;
    m->first = sweep; /* sweeps are gone through from the last to the first */
    for (int k = 0; k < node->ninputs; k++) {
        struct node *input = node->inputs[k];
        if (is_leaf(input))
            continue;
        if (made_here(cut, node, input, sweep)) {
            demand(cut, input, sweep);
            continue;
        }
        struct mark *in = mark_of(cut, input);
        if (in->keep && in->seen != 1 + sweep) {
            in->seen = 1 + sweep;
            in->many++;
            in->first = sweep;
        }
        pass(cut, input, sweep);
    }
}

/* From the last sweep to the first: what each must make. */
static void trace(struct cut *cut, struct node *const *outputs, int noutputs) {
    struct sweeps *all = cut->sweeps;
    all->npassed = 0;
    for (int id = 0; id < cut->nmarks; id++) {
        cut->marks[id].passed = -1;
        cut->marks[id].many = cut->marks[id].seen = 0;
        cut->marks[id].first = all->count;
    }
    for (int k = 0; k < noutputs; k++) {
        pass(cut, outputs[k], all->count);
        all->results[k] = mark_of(cut, outputs[k])->passed;
    }
    for (int sweep = all->count - 1; sweep >= 0; sweep--)
        for (int k = 0; k < all->npassed; k++) /* grows on the way, by what earlier sweeps make */
            if (all->passed[k].made == sweep)
                demand(cut, all->passed[k].node, sweep);
}

static void choose_kept(struct cut *cut, struct node *const *outputs, int noutputs) {
    for (int round = 0; round < 2; round++) {
        trace(cut, outputs, noutputs);
        for (int id = 0; id < cut->nmarks; id++) {
            struct mark *m = &cut->marks[id];
            const struct node *node = cut->graph->nodes[id];
            if (!m->built || is_leaf(node) || node->dim != m->domain || (round && !m->keep))
                continue;
            m->keep = m->base && row_size(node) <= NARROW && m->many >= OFTEN && !widens(node);
            if (m->keep)
                m->home = m->first;
        }
    }
    trace(cut, outputs, noutputs);
}

/* ---------------------------------------------------------------- the plans of the sweeps */

static struct node *leaf_of(struct cut *cut, struct node *node) {
    struct passed *p = &cut->sweeps->passed[mark_of(cut, node)->passed];
    if (!p->leaf) {
        const char *name = arena_format(cut->graph->arena, "sweep:%d", node->id);
        p->leaf = node_input_like(cut->graph, name ? name : "", node);
    }
    return p->leaf;
}

static struct node *in_sweep(struct cut *cut, struct node *node, int sweep) {
    struct mark *m = mark_of(cut, node);
    if (is_leaf(node))
        return node;
    if (m->seen == 1 + sweep && m->here)
        return m->here;
    struct node **inputs = calloc((size_t)node->ninputs, sizeof *inputs), *here = node;
    if (!inputs)
        error_memory(&cut->graph->error);
    for (int k = 0; inputs && k < node->ninputs; k++) {
        struct node *input = node->inputs[k];
        inputs[k] =
            is_leaf(input) || made_here(cut, node, input, sweep) ? in_sweep(cut, input, sweep) : leaf_of(cut, input);
    }
    if (inputs)
        here = remade(cut->graph, node, inputs);
    free(inputs);
    m->seen = 1 + sweep;
    m->here = here;
    return here;
}

static int build_sweep(struct cut *cut, int number, const struct kernel_set *kernels, struct error *error) {
    struct sweeps *all = cut->sweeps;
    struct sweep *sweep = &all->sweeps[number];
    struct node **roots = calloc((size_t)all->npassed + 1, sizeof *roots);
    sweep->roots = calloc((size_t)all->npassed + 1, sizeof *sweep->roots);
    int code = 0;
    if (!roots || !sweep->roots) {
        free(roots);
        return error_memory(error);
    }
    for (int id = 0; id < cut->nmarks; id++) {
        cut->marks[id].seen = 0;
        cut->marks[id].here = NULL;
    }
    for (int k = 0; k < all->npassed; k++)
        if (all->passed[k].made == number) {
            sweep->roots[sweep->nroots] = k;
            roots[sweep->nroots++] = in_sweep(cut, all->passed[k].node, number);
        }
    if (sweep->nroots)
        code = plan_make(&sweep->plan, cut->graph, roots, sweep->nroots, &(struct plan_options){.kernels = kernels},
                         error);
    free(roots);
    return code;
}

int sweeps_make(struct sweeps **out, const struct plan *whole, struct error *error) {
    struct graph *graph = whole->graph;
    int noutputs = whole->noutputs;
    struct cut cut = {.graph = graph};
    struct sweeps *all = cut.sweeps = calloc(1, sizeof *all);
    struct node **results = calloc((size_t)noutputs + 1, sizeof *results);
    int *keys = NULL, code = 0, highest = 0;
    *out = NULL;
    if (!all || !results)
        goto memory;
    memcpy(results, whole->roots, (size_t)noutputs * sizeof *results);
    if (take_sums_apart(&cut, results, noutputs)) {
        code = graph_error(graph, error);
        goto out;
    }
    for (int id = 0; id < cut.nmarks; id++)
        highest = sweep_key(&cut.marks[id]) > highest ? sweep_key(&cut.marks[id]) : highest;
    keys = calloc((size_t)highest + 1, sizeof *keys);
    all->passed = calloc((size_t)cut.nmarks + 1, sizeof *all->passed);
    all->sweeps = calloc((size_t)highest + 1, sizeof *all->sweeps);
    all->results = calloc((size_t)noutputs + 1, sizeof *all->results);
    all->nresults = noutputs;
    if (!keys || !all->passed || !all->sweeps || !all->results)
        goto memory;
    for (int k = 0; k < noutputs; k++)
        find_homes(&cut, results[k], keys);
    for (int key = 0; key <= highest; key++) /* from keys to numbers */
        if (keys[key]) {
            all->sweeps[all->count].domain = key % 3 == 0 ? DIM_STATIC : key % 3 == 1 ? DIM_ATOMS : DIM_PAIRS;
            keys[key] = all->count++;
        }
    for (int id = 0; id < cut.nmarks; id++)
        cut.marks[id].home = keys[cut.marks[id].home];
    choose_kept(&cut, results, noutputs);
    for (int k = 0; k < all->count && !code; k++)
        code = build_sweep(&cut, k, whole->kernels, error);
    if (!code)
        code = graph_error(graph, error);
    goto out;
memory:
    code = error_memory(error);
out:
    free(keys);
    free(results);
    free(cut.marks);
    if (code)
        sweeps_free(all);
    else
        *out = all;
    return code;
}

void sweeps_free(struct sweeps *sweeps) {
    if (!sweeps)
        return;
    for (int k = 0; sweeps->sweeps && k < sweeps->count; k++) {
        plan_free(sweeps->sweeps[k].plan);
        free(sweeps->sweeps[k].roots);
    }
    free(sweeps->sweeps);
    free(sweeps->passed);
    free(sweeps->results);
    free(sweeps);
}
