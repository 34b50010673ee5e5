/* The programs of training and of evaluation. */
#ifndef FETTLE_TRAIN_RUN_PROGRAMS_H
#define FETTLE_TRAIN_RUN_PROGRAMS_H

#include "data/frame/batch.h"
#include "graph/run/program.h"
#include "model/evaluator.h"
#include "train/metric/metrics.h"

struct trainer;

enum { MAX_TERMS = 32 };

struct train_program {
    struct graph *graph;
    struct program *program;
    int active[MAX_TERMS]; /* terms that it has */
    int nactive;
    int separate;        /* gradients of each term, else of the weighted sum */
    int ngrads;          /* parameters that it differentiates by */
    int *grad_parameter; /* [ngrads] */
    /* [entries of the state dict] What is differentiated depends on it: what does not has no gradient, as against one
     * of 0.  Where the terms' gradients are combined, all have one. */
    unsigned char *reached;
    int first_grad;              /* output number; train_program_gradients * ngrads of them follow */
    int prediction[PREDICTIONS]; /* output number of a prediction, or -1 */
    const void **inputs;         /* bound for each run */
    void **outputs;
};

int train_program_make(struct trainer *trainer, struct error *error); /* if the active terms have changed */
void train_program_free(struct trainer *trainer);
/* A step on trainer->batches.now: predictions, terms, then each gradient. */
int train_program_forward(struct trainer *trainer, struct error *error);
int train_program_loss(struct trainer *trainer, struct error *error);
int train_program_gradients(const struct trainer *trainer); /* how many: one, or one for each active term */
int train_program_backward(struct trainer *trainer, int gradient, struct error *error);
/* Instruction by instruction.  Gradients of before stay, as they do below. */
int train_program_time(struct trainer *trainer, int runs, struct error *error);
/* The same batch again, by a program that keeps every value; look is called before it goes. */
int train_program_inspect(struct trainer *trainer,
                          int (*look)(void *context, const struct program *program, struct error *error), void *context,
                          struct error *error);
int eval_program_make(struct trainer *trainer, struct error *error);
/* Predictions for a batch with these parameters. */
int eval_program_run(struct trainer *trainer, const struct batch *batch, const void *const params[DTYPE_COUNT],
                     struct prediction *out, struct error *error);

#endif
