namespace PipeForkAs.Protocol;

/// <summary>What an environment variable of a job may be called, and which never reach a job.</summary>
public static class EnvironmentVariable
{
    /// <summary>The rule in words, to be put behind "must be".</summary>
    public const string NameRule = "1 to 128 characters of A-Z, a-z, 0-9 and '_', the first no digit";

    /// <summary>Variables that the worker sets itself: <c>HOME</c>, <c>USER</c>, <c>LOGNAME</c>, <c>SHELL</c> and <c>PATH</c>.</summary>
    private static readonly string[] Own = ["HOME", "USER", "LOGNAME", "SHELL", "PATH"];

    /// <summary>Beginnings of names that steer the dynamic linker, libc, a shell or a language's runtime.</summary>
    private static readonly string[] ForbiddenPrefixes =
        ["LD_", "DOTNET_", "COMPlus_", "CORECLR_", "COREHOST_", "GCONV_", "MALLOC_", "GLIBC_", "BASH_", "PYTHON", "PERL", "RUBY", "NODE_", "LUA_", "OPENSSL_", "PIPEFORKAS_"];

    private static readonly string[] Forbidden =
        ["IFS", "ENV", "SHELLOPTS", "BASHOPTS", "PS4", "CDPATH", "GLOBIGNORE", "LOCPATH", "NLSPATH", "HOSTALIASES", "RES_OPTIONS",
         "LOCALDOMAIN", "GETCONF_DIR", "TZDIR", "TMPDIR", "NIS_PATH", "RESOLV_HOST_CONF", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS",
         "PROMPT_COMMAND"];

    /// <summary>Whether a name keeps <see cref="NameRule"/>.</summary>
    public static bool IsName(string? name)
    {
        if (name is null || name.Length is 0 or > 128 || char.IsAsciiDigit(name[0]))
            return false;

        foreach (char c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c != '_')
                return false;
        }

        return true;
    }

    /// <summary>
    /// Whether a registration may let clients set the variable. Never those that the worker sets itself, and never those that
    /// change which code runs (the list that glibc removes for set-user-id programs, ld.so(8), those of shells and of common runtimes).
    /// </summary>
    public static bool MayBeAllowed(string name)
    {
        if (!IsName(name) || Own.AsSpan().Contains(name) || Forbidden.AsSpan().Contains(name))
            return false;

        foreach (string prefix in ForbiddenPrefixes)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
                return false;
        }

        return true;
    }
}
