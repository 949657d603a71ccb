#pragma once
/// THE list of operations. Both front ends, the OpenAPI document and the lint tests are made from
/// it: the socket's method table has a row for each, and a Service without a handler for one does
/// not compile.

#include "common/fields.hpp"
#include "common/requests/add.hpp"
#include "common/requests/backup.hpp"
#include "common/requests/definitions.hpp"
#include "common/requests/edit.hpp"
#include "common/requests/groups.hpp"
#include "common/requests/hold.hpp"
#include "common/requests/kill.hpp"
#include "common/requests/list.hpp"
#include "common/requests/logs.hpp"
#include "common/requests/pause.hpp"
#include "common/requests/prune.hpp"
#include "common/requests/remove.hpp"
#include "common/requests/resume.hpp"
#include "common/requests/run.hpp"
#include "common/requests/show.hpp"
#include "common/requests/status.hpp"
#include "common/requests/subscribe.hpp"
#include "common/requests/verify.hpp"
#include "common/requests/wait.hpp"
#include "common/requests/why.hpp"

namespace scheduler {

using Operations = TypeList<AddRequest,
                            AddBatchRequest,
                            ListRequest,
                            ShowRequest,
                            RemoveRequest,
                            RunRequest,
                            KillRequest,
                            LogsRequest,
                            WaitRequest,
                            SubscribeRequest,
                            PauseRequest,
                            ResumeRequest,
                            PruneRequest,
                            StatusRequest,
                            WhyRequest,
                            VerifyRequest,
                            BackupRequest,
                            DefSetRequest,
                            DefImportRequest,
                            DefShowRequest,
                            DefListRequest,
                            DefRemoveRequest,
                            GroupSetRequest,
                            GroupShowRequest,
                            GroupListRequest,
                            GroupRemoveRequest,
                            GroupPauseRequest,
                            GroupResumeRequest,
                            HoldRequest,
                            ReleaseRequest,
                            EditRequest>;

/// Operations that answer with a stream of items instead of one response.
template <class Request>
concept StreamingOperation = requires {
    typename Request::Item;
};

/// Writes that later requests are read by: on a connection nothing begins before they have taken
/// effect.
template <class Request>
concept SettingOperation = requires {
    Request::is_setting;
};

}  // namespace scheduler
