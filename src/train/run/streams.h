/* Random streams, as part of the state. */
#ifndef FETTLE_TRAIN_RUN_STREAMS_H
#define FETTLE_TRAIN_RUN_STREAMS_H

#include "data/module/datamodule.h"
#include "data/set/loader.h"
#include "train/core/state.h"

struct trainer;

/* A random stream in the state: the words of the generator and how many of them are used up. */
struct kept_stream {
    struct variable *words, *position;
};

int streams_open(struct trainer *trainer, struct error *error);
int streams_resumed(struct trainer *trainer, struct error *error); /* the state was read from a checkpoint */
int streams_have(const struct trainer *trainer, const struct variable *variable); /* it is one of theirs */
/* As a set of this role finds them; kept after it has drawn. */
void streams_read(const struct trainer *trainer, enum data_role role, struct loader_streams *out);
void streams_keep(struct trainer *trainer, enum data_role role, const struct loader_streams *streams);

#endif
