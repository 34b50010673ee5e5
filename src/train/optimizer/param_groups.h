/* Groups of parameters, each with options of its own. */
#ifndef FETTLE_TRAIN_OPTIMIZER_PARAM_GROUPS_H
#define FETTLE_TRAIN_OPTIMIZER_PARAM_GROUPS_H

#include "base/arena.h"
#include "config/node.h"
#include "model/model.h"

struct optimizer_kind;

enum { MAX_GROUPS = 16 };

/* Options by group; group 0 is of the parameters that no other has. */
struct param_groups {
    int count;
    void *options[MAX_GROUPS];
    const struct config_node *params[MAX_GROUPS];
    int (*in_first)(const struct parameter *p); /* or the second; NULL: params says */
    unsigned char *group;                       /* [entries of the state dict] */
};

int param_groups_read(const struct optimizer_kind *kind, const void *base, const struct config_node *config,
                      struct param_groups *out, struct arena *arena, struct error *error);
int param_groups_assign(struct param_groups *groups, const struct model *model, struct arena *arena,
                        struct error *error);

/* A pattern matches the parts between any two dots of a name: "edge_mlp", "layer0_*.conv.linear", "*.bias". */
int parameters_match(const char *pattern, const char *name);

#endif
