using PipeForkAs.LibC;

namespace PipeForkAs.Jobs.ByHand;

/// <summary>The user that runs the job host by hand.</summary>
internal static class CurrentUser
{
    public static JobUser Get()
    {
        UserId uid = Libc.geteuid();
        GroupId gid = Libc.getegid();
        uint[] groups = [.. Libc.getgroups().Append(gid).Select(group => group.Value).Distinct().Order()];
        PasswordEntry? entry = Libc.getpwuid(uid);
        return new JobUser(entry?.Name ?? uid.ToString(), uid.Value, gid.Value, groups, entry?.Home ?? "/", entry?.Shell ?? "/bin/sh")
        {
            GroupName = Libc.getgrgid_name(gid),
        };
    }
}
