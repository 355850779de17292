namespace PipeForkAs.Protocol.Tests;

public sealed class EnvironmentVariableTests
{
    [Theory]
    [InlineData("A")]
    [InlineData("_")]
    [InlineData("lang_9")]
    public void A_name_of_letters_digits_and_underscores_is_valid(string name) => Assert.True(EnvironmentVariable.IsName(name));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("9A")]
    [InlineData("A=B")]
    [InlineData("A-B")]
    [InlineData("A B")]
    [InlineData("A\0")]
    [InlineData("BASH_FUNC_x%%")]
    [InlineData("É")]
    public void Anything_else_is_not(string? name) => Assert.False(EnvironmentVariable.IsName(name));

    [Fact]
    public void A_name_has_at_most_128_characters()
    {
        Assert.True(EnvironmentVariable.IsName(new string('A', 128)));
        Assert.False(EnvironmentVariable.IsName(new string('A', 129)));
    }

    [Theory]
    [InlineData("LANG")]
    [InlineData("LC_ALL")]
    [InlineData("TZ")]
    [InlineData("REPORT_DATE")]
    [InlineData("HOMEPAGE")]
    public void Harmless_variables_can_be_allowed(string name) => Assert.True(EnvironmentVariable.MayBeAllowed(name));

    [Theory]
    [InlineData("HOME")]
    [InlineData("USER")]
    [InlineData("LOGNAME")]
    [InlineData("SHELL")]
    [InlineData("PATH")]
    [InlineData("PIPEFORKAS_SOCKET")]
    [InlineData("DOTNET_gcServer")]
    [InlineData("COMPlus_EnableDiagnostics")]
    [InlineData("CORECLR_PROFILER_PATH")]
    [InlineData("IFS")]
    [InlineData("ENV")]
    [InlineData("BASH_ENV")]
    [InlineData("PROMPT_COMMAND")]
    [InlineData("OPENSSL_CONF")]
    [InlineData("not a name")]
    public void Variables_for_identity_and_code_loading_can_never_be_allowed(string name) =>
        Assert.Equal((false, false), (EnvironmentVariable.MayBeAllowed(name), EnvironmentVariable.SteersPrograms(name)));

    [Theory]
    [InlineData("GIT_SSH_COMMAND GIT_SSH GIT_EXTERNAL_DIFF GIT_CONFIG_COUNT GIT_EXEC_PATH GIT_DIR GIT_PAGER GIT_ASKPASS")]
    [InlineData("LESSOPEN LESSCLOSE LESS PAGER MANPAGER EDITOR VISUAL BROWSER SUDO_EDITOR SSH_ASKPASS SYSTEMD_EDITOR SYSTEMD_PAGER")]
    [InlineData(
        "RSYNC_RSH RSYNC_CONNECT_PROG CVS_RSH SVN_SSH HGEDITOR TAR_OPTIONS TAPE GZIP XZ_OPT ZIPOPT GREP_OPTIONS MAKEFLAGS MAKEFILES CC")]
    [InlineData("GTK_MODULES GTK_PATH GDK_PIXBUF_MODULE_FILE GIO_EXTRA_MODULES GST_PLUGIN_PATH QT_PLUGIN_PATH")]
    [InlineData("QML2_IMPORT_PATH MAGICK_CODER_MODULE_PATH")]
    [InlineData(
        "PYTHONSTARTUP PYTHONPATH PYTHONHOME PERL5OPT PERL5LIB RUBYOPT RUBYLIB NODE_OPTIONS NODE_PATH LUA_INIT LUA_PATH npm_config_prefix")]
    [InlineData("JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS CLASSPATH MAVEN_OPTS PHPRC PHP_INI_SCAN_DIR")]
    [InlineData("R_PROFILE_USER JULIA_LOAD_PATH GOFLAGS RUSTC_WRAPPER")]
    [InlineData(
        "VIMINIT EXINIT EMACSLOADPATH INPUTRC ZDOTDIR SCREENRC TERMINFO XDG_CONFIG_HOME XDG_DATA_DIRS PSQLRC KUBECONFIG git_ssh_command")]
    public void Variables_that_change_which_code_runs_need_an_explicit_permission(string names) =>
        Assert.All(names.Split(' '), name =>
            Assert.Equal((false, true), (EnvironmentVariable.MayBeAllowed(name), EnvironmentVariable.SteersPrograms(name))));

    [Theory]
    [InlineData("LANG LC_ALL TZ COLUMNS LINES TERM NO_COLOR DEBUG REQUEST_ID LANGUAGE HTTP_PROXY MOREOVER EDITORIAL")]
    public void Variables_that_do_not_change_which_code_runs_need_no_explicit_permission(string names) =>
        Assert.All(names.Split(' '), name =>
            Assert.Equal((true, false), (EnvironmentVariable.MayBeAllowed(name), EnvironmentVariable.SteersPrograms(name))));

    /// <summary>glibc, sysdeps/generic/unsecvars.h.</summary>
    [Theory]
    [InlineData("GCONV_PATH")]
    [InlineData("GETCONF_DIR")]
    [InlineData("GLIBC_TUNABLES")]
    [InlineData("HOSTALIASES")]
    [InlineData("LD_AUDIT")]
    [InlineData("LD_BIND_NOT")]
    [InlineData("LD_BIND_NOW")]
    [InlineData("LD_DEBUG")]
    [InlineData("LD_DEBUG_OUTPUT")]
    [InlineData("LD_DYNAMIC_WEAK")]
    [InlineData("LD_HWCAP_MASK")]
    [InlineData("LD_LIBRARY_PATH")]
    [InlineData("LD_ORIGIN_PATH")]
    [InlineData("LD_PRELOAD")]
    [InlineData("LD_PREFER_MAP_32BIT_EXEC")]
    [InlineData("LD_PROFILE")]
    [InlineData("LD_SHOW_AUXV")]
    [InlineData("LD_USE_LOAD_BIAS")]
    [InlineData("LD_VERBOSE")]
    [InlineData("LD_WARN")]
    [InlineData("LOCALDOMAIN")]
    [InlineData("LOCPATH")]
    [InlineData("MALLOC_ARENA_MAX")]
    [InlineData("MALLOC_TRACE")]
    [InlineData("NIS_PATH")]
    [InlineData("NLSPATH")]
    [InlineData("RESOLV_HOST_CONF")]
    [InlineData("RES_OPTIONS")]
    [InlineData("TMPDIR")]
    [InlineData("TZDIR")]
    public void Variables_that_glibc_removes_for_set_user_id_programs_can_never_be_allowed(string name) =>
        Assert.False(EnvironmentVariable.MayBeAllowed(name));
}
