#pragma once
/// The capabilities of Linux, as `cap_add` and `cap_drop` name them. Pure; any thread. Source:
/// linux/capability.h up to 5.9; there was no new one since.

#include <array>
#include <string_view>

namespace scheduler {

inline constexpr std::string_view all_capabilities = "ALL";
inline constexpr std::array<std::string_view, 41> capabilities{"AUDIT_CONTROL",
                                                               "AUDIT_READ",
                                                               "AUDIT_WRITE",
                                                               "BLOCK_SUSPEND",
                                                               "BPF",
                                                               "CHOWN",
                                                               "DAC_OVERRIDE",
                                                               "DAC_READ_SEARCH",
                                                               "FOWNER",
                                                               "FSETID",
                                                               "IPC_LOCK",
                                                               "IPC_OWNER",
                                                               "KILL",
                                                               "LEASE",
                                                               "LINUX_IMMUTABLE",
                                                               "MAC_ADMIN",
                                                               "MAC_OVERRIDE",
                                                               "MKNOD",
                                                               "NET_ADMIN",
                                                               "NET_BIND_SERVICE",
                                                               "NET_BROADCAST",
                                                               "NET_RAW",
                                                               "PERFMON",
                                                               "SETFCAP",
                                                               "SETGID",
                                                               "SETPCAP",
                                                               "SETUID",
                                                               "SYS_ADMIN",
                                                               "SYS_BOOT",
                                                               "SYS_CHROOT",
                                                               "SYS_MODULE",
                                                               "SYS_NICE",
                                                               "SYS_PACCT",
                                                               "SYS_PTRACE",
                                                               "SYS_RAWIO",
                                                               "SYS_RESOURCE",
                                                               "SYS_TIME",
                                                               "SYS_TTY_CONFIG",
                                                               "SYSLOG",
                                                               "WAKE_ALARM",
                                                               "CHECKPOINT_RESTORE"};

/// `ALL` or one of them, in either case, with or without `CAP_`, as docker reads them.
bool is_capability(std::string_view name);

}  // namespace scheduler
