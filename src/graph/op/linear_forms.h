#ifndef FETTLE_GRAPH_OP_LINEAR_FORMS_H
#define FETTLE_GRAPH_OP_LINEAR_FORMS_H

enum { TYPED_ROWS = 64 }; /* of one type, that a typed linear layer gathers at a time; in its scratch */

#endif
