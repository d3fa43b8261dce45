#include "triad/babyai.h"
#include <string.h>
static const char *const W[] = {"a","after","and","ball","behind","blue","box","door","front","go","green","grey","in","key","left","next","object","of","on","open","pick","purple","put","red","right","the","then","to","up","yellow","you","your"};
size_t babyai_word_count(void) { return sizeof W/sizeof *W; }
const char *babyai_word_at(size_t i) { return W[i]; }
int babyai_word_index(const char *w, size_t b) { for (size_t i=0;i<sizeof W/sizeof*W;i++) if(strlen(W[i])==b&&!strncmp(W[i],w,b)) return (int)i; return -1; }
