#include "build_information.h"

#ifndef SAGES_COMMIT
#define SAGES_COMMIT ""
#endif
#ifndef SAGES_ARCHITECTURE
#define SAGES_ARCHITECTURE ""
#endif

const char *sages_build_commit(void) { return SAGES_COMMIT; }
const char *sages_build_architecture(void) { return SAGES_ARCHITECTURE; }
