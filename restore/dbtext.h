#include "formats/dbtext.h"
