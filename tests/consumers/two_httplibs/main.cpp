#include "hangup/http/context_of.h"

bool part_is_there();

int main() {
  httplib::Request req;
  return part_is_there() && !hangup::http::context_of(req).err() ? 0 : 1;
}
