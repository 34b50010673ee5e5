/* What stands under `fettle` in a config: how a session is looked at and where it stops.
 *
 *     fettle:
 *       layout: [values, info ema, tree *layer0*]
 *       focus: ema
 *       zoom: true
 *       chart: {curves: [forces_mae], log: true, smooth: 0.9, last: 500}
 *       display: [epoch, ema_distance]
 *       stops:
 *         - train_loss_step/weighted_sum > 10
 *         - {watch: lr, condition: epoch > 3, ignore: 2, enabled: true, commands: [print lr, continue]}
 *       catch: true
 *       rewind: 24
 *       commands: [step 10, plot]
 */
#ifndef FETTLE_SESSION_SETUP_H
#define FETTLE_SESSION_SETUP_H

#include "base/error.h"

struct config;
struct session;
struct setup;
struct trainer;

/* What `config` says, checked without any data: keys, types, commands, panes, and all names that can be known by then.
 * *out is NULL where it says nothing.  Errors tell the place. */
int setup_read(struct setup **out, struct session *session, const struct config *config, struct error *error);
/* Makes it for a run that is to be the session's; the session's own stop points and panes stay. */
int setup_make(struct setup *setup, struct session *session, struct trainer *trainer, struct error *error);
/* Puts what was made in the place of the session's own, of which what is not spoken of stays; the run is open now. */
void setup_take(struct setup *setup, struct session *session);
/* Executes `commands`, until one fails. */
int setup_run(const struct setup *setup, struct session *session, struct error *error);
void setup_free(struct setup *setup);

#endif
