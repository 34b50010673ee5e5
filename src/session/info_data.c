/* `info data`: what the data sets hold. */
#include "data/datamodule.h"
#include "session/info.h"

int info_data(struct session *session, int count, char *const *words, struct error *error) {
    const struct datamodule *data = trainer_data(session->trainer);

    (void)count, (void)words, (void)error;
    for (int role = 0; role < ROLE_COUNT; role++)
        for (size_t k = 0; k < datamodule_count(data, (enum data_role)role); k++) {
            const struct dataset *set = datamodule_dataset(data, (enum data_role)role, k);
            double atoms = 0, pairs = 0;
            for (size_t f = 0; f < set->count; f++) {
                atoms += set->frames[f]->atoms;
                pairs += set->frames[f]->npairs * (set->frames[f]->directed ? 0.5 : 1.0);
            }
            session_print(session, "%s %zu: %zu frames, %.0f atoms, %.1f neighbours an atom\n",
                          data_role_name((enum data_role)role), k, set->count, atoms,
                          atoms > 0 ? 2 * pairs / atoms : 0);
        }
    return 0;
}
