#include "graph/run/profile.h"
