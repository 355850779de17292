using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.ByHand;

/// <summary>Whoever runs the job host by hand.</summary>
internal static class CurrentUser
{
    public static JobUser Get()
    {
        UserId uid = Libc.geteuid();
        GroupId gid = Libc.getegid();
        GroupId[] groups = [.. Libc.getgroups().Append(gid).Distinct().OrderBy(group => group.Value)];
        PasswordEntry? entry = Libc.getpwuid(uid);
        return new JobUser(entry?.Name ?? uid.ToString(), uid, gid, groups, entry?.Home ?? "/", entry?.Shell ?? "/bin/sh") { GroupName = Libc.getgrgid_name(gid) };
    }
}
