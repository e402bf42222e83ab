enum kind { ONE, TWO };
enum wide { FAR = 0x100000000ULL };
union both { int i; float f; };
struct opaque;
struct b { volatile const int *at; double d[3]; union both u; enum kind k; enum wide w; };
typedef struct b b_t;
struct a { b_t first; struct opaque *next; int (*call)(struct a *restrict); unsigned flag:3; };
int f(struct a *x) { return x->flag; }
struct a object;
