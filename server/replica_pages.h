// The pages for operators of all replicas together. There only with admin.peers.
#pragma once

#include "hangup/http/server.h"
#include "server/pages.h"
#include "server/peers.h"

namespace hangup::server {

// Adds
//
//   GET    /replicas/requests         what GET /requests of each replica answers; 502 or 504: none
//                                     has answered
//   GET    /replicas/requests/ended   the same of /requests/ended
//   DELETE /replicas/requests         the same of DELETE /requests; 502, 504: none of them has done
//   it DELETE /replicas/requests/{key}   ends one request, on the replica that has it: a key is
//                                     REPLICA-NUMBER, such as 10_0_0_2_8081-17; each request of the
//                                     first two has one
//
// With a token it is said there which client has asked here (asking_client.h).
//
// Parameters go along. A replica that does not answer is listed with the reason. They are made by a
// pool of their own: a replica whose workers for pages all waited for each other would answer none.
// `of` must outlive the server.
void add_replica_pages(http::server& server, const peers& of, page_pool pages);

}  // namespace hangup::server
