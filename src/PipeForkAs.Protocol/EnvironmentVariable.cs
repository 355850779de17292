namespace PipeForkAs.Protocol;

/// <summary>The valid names of a job's environment variables, and the variables that never reach a job.</summary>
public static class EnvironmentVariable
{
    /// <summary>The rule in words that fit after "must be".</summary>
    public const string NameRule = "1 to 128 characters of A-Z, a-z, 0-9 and '_', the first no digit";

    /// <summary>Variables that the worker sets itself: <c>HOME</c>, <c>USER</c>, <c>LOGNAME</c>, <c>SHELL</c> and <c>PATH</c>.</summary>
    private static readonly string[] Own = ["HOME", "USER", "LOGNAME", "SHELL", "PATH"];

    /// <summary>Prefixes of names that control the dynamic linker, libc, a shell or .NET.</summary>
    private static readonly string[] ForbiddenPrefixes =
        ["LD_", "DOTNET_", "COMPlus_", "CORECLR_", "COREHOST_", "GCONV_", "MALLOC_", "GLIBC_", "BASH_", "OPENSSL_", "PIPEFORKAS_"];

    private static readonly string[] Forbidden =
        ["IFS", "ENV", "SHELLOPTS", "BASHOPTS", "PS4", "CDPATH", "GLOBIGNORE", "LOCPATH", "NLSPATH", "HOSTALIASES", "RES_OPTIONS",
         "LOCALDOMAIN", "GETCONF_DIR", "TZDIR", "TMPDIR", "NIS_PATH", "RESOLV_HOST_CONF", "PROMPT_COMMAND"];

    /// <summary>Prefixes of names that make common programs run other code: languages, build tools, git(1), toolkits with modules.
    /// </summary>
    private static readonly string[] SteeringPrefixes =
    [
        "PYTHON", "PERL", "RUBY", "NODE_", "NPM_CONFIG_", "LUA_", "JULIA_", "R_PROFILE", "R_ENVIRON", "R_LIBS", "GUILE_", "ERL_",
        "BUNDLE_", "GEM_", "CARGO_", "RUSTC", "CGO_", "GIT_", "HG", "SVN_", "GTK_", "GDK_PIXBUF_", "GIO_", "GST_", "QT_", "QML",
        "MAGICK_", "SYSTEMD_", "VK_", "XDG_CONFIG_", "XDG_DATA_"
    ];

    /// <summary>Names with the same effect. Programs that run as helpers: less(1), man(1), git(1), rsync(1), cvs(1), ssh(1), sudo(8),
    /// crontab(1), psql(1). Options: tar(1), gzip(1), xz(1), zip(1), grep(1), make(1). Files that are read as programs: vi(1), emacs(1),
    /// readline(3), zsh(1), php(1), tcl(n), screen(1).
    /// </summary>
    private static readonly string[] Steering =
    [
        "EDITOR", "VISUAL", "PAGER", "MANPAGER", "MANOPT", "BROWSER", "LESS", "LESSOPEN", "LESSCLOSE", "LESSEDIT", "LESSKEY", "LESSKEYIN",
        "LESSKEY_SYSTEM", "SUDO_EDITOR", "SUDO_ASKPASS", "SSH_ASKPASS", "RSYNC_RSH", "RSYNC_CONNECT_PROG", "RSYNC_PROXY", "CVS_RSH",
        "CVSEDITOR", "HGEDITOR", "FCEDIT", "PSQL_EDITOR", "PSQL_PAGER", "PSQLRC", "TAR_OPTIONS", "TAPE", "RSH", "GZIP", "XZ_OPT",
        "XZ_DEFAULTS", "ZIPOPT", "UNZIP", "GREP_OPTIONS", "MAKEFLAGS", "MFLAGS", "GNUMAKEFLAGS", "MAKEFILES", "CC", "CXX", "CPP", "AR",
        "GOFLAGS", "GOENV", "GOROOT", "GCC_EXEC_PREFIX", "COMPILER_PATH", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS",
        "CLASSPATH", "MAVEN_OPTS", "GRADLE_OPTS", "ANT_OPTS", "SBT_OPTS", "PHPRC", "PHP_INI_SCAN_DIR", "TCLLIBPATH", "VIMINIT",
        "GVIMINIT", "EXINIT", "VIM", "VIMRUNTIME", "MYVIMRC", "NVIM_APPNAME", "EMACSLOADPATH", "EMACSDATA", "INPUTRC", "ZDOTDIR", "FPATH",
        "KDEDIRS", "SCREENRC", "TERMINFO", "TERMINFO_DIRS", "TERMCAP", "TERMPATH", "WGETRC", "CURL_HOME", "NETRC", "GNUPGHOME",
        "MAILCAPS", "ALSA_CONFIG_PATH", "LADSPA_PATH", "LV2_PATH", "LIBGL_DRIVERS_PATH", "LIBVA_DRIVERS_PATH", "OCL_ICD_VENDORS",
        "SASL_PATH", "SASL_CONF_PATH", "KRB5_CONFIG", "KUBECONFIG", "AWS_CONFIG_FILE", "ANSIBLE_CONFIG", "DOCKER_CONFIG",
        "LIBMYSQL_PLUGIN_DIR", "LIBMYSQL_PLUGINS", "TEXMFCNF"
    ];

    /// <summary>Whether a name follows <see cref="NameRule"/>.</summary>
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

    /// <summary>Whether a registration may let clients set the variable without a further declaration. False for variables that the worker
    /// sets itself, for variables that change which code runs (the list that glibc removes for set-user-id programs, ld.so(8), and those of
    /// shells), and for those for which <see cref="SteersPrograms"/> is true.
    /// </summary>
    public static bool MayBeAllowed(string name) => IsName(name) && !IsForbidden(name) && !Steers(name);

    /// <summary>Whether the variable changes which code common programs run, as <c>GIT_SSH_COMMAND</c> and <c>LESSOPEN</c> do. A
    /// registration may let clients set it, but must declare this: a caller that may run the job may then run any code as the job's user.
    /// </summary>
    public static bool SteersPrograms(string name) => IsName(name) && !IsForbidden(name) && Steers(name);

    private static bool IsForbidden(string name) =>
        Own.AsSpan().Contains(name) || Forbidden.AsSpan().Contains(name)
            || Array.Exists(ForbiddenPrefixes, prefix => name.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>Compares without case, because some programs, such as npm, read their variables in either case.</summary>
    private static bool Steers(string name) =>
        Array.Exists(Steering, steering => string.Equals(name, steering, StringComparison.OrdinalIgnoreCase))
        || Array.Exists(SteeringPrefixes, prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
}
