#ifndef BASE_VERSION_H_
#define BASE_VERSION_H_

#define XCATVAULT_VERSION "0.1.0"

#endif
