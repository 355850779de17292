using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Loading;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Configuration;

/// <summary>Tests the audit section of a configuration file.</summary>
public sealed class AuditOptionsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public AuditOptionsTests() => Assert.SkipUnless(Libc.geteuid() == UserId.Root, "the configuration must be root's");

    [Theory]
    [InlineData("""{ "Audit": { "File": "audit.log" } }""", "Audit:File: must be the absolute path of a file")]
    [InlineData("""{ "Audit": { "File": "/no/such/folder/audit" } }""",
        "Audit:File: /no/such/folder/audit: the folder /no/such/folder does not exist; create it (install -d -m 750 /no/such/folder)")]
    [InlineData("""{ "Audit": { "File": "/etc/passwd/audit" } }""", "Audit:File: /etc/passwd/audit: its folder is a Regular")]
    [InlineData("""{ "Audit": { "File": "/etc" } }""", "Audit:File: /etc is not a regular file but a Directory")]
    [InlineData("""{ "Audit": { "File": "/etc/passwd" } }""",
        "Audit:File: /etc/passwd is accessible to other users; remove that (chmod 0640)")]
    [InlineData("""{ "Audit": { "Required": true } }""", "Audit:Required: needs a file: set Audit:File")]
    [InlineData("""{ "Audit": { "RecordsPerMinute": 0 } }""", "Audit:RecordsPerMinute: must be from 1 to 1000000, or null for no limit")]
    [InlineData("""{ "Audit": { "Path": "/x" } }""", "Audit:Path: unknown key")]
    [InlineData(
        """{ "Commands": { "a": { "Command": ["/bin/echo"], "AuditArguments": ["b"] } } }""",
        "Commands:a:AuditArguments: names the parameter \"b\", which Parameters does not declare")]
    [InlineData(
        """{ "Commands": { "a": { "Command": ["/bin/echo"], "AuditedArguments": ["b"] } } }""",
        "Commands:a:AuditedArguments: names the parameter \"b\", which Parameters does not declare")]
    [InlineData(
        """{ "Jobs": { "a": { "AuditedArguments": true } } }""", "Jobs:a:AuditedArguments: must be an object or a list, not one value")]
    [InlineData("""{ "Jobs": { "a": { "AuditArguments": true } } }""", "Jobs:a:AuditArguments: must be an object or a list, not one value")]
    public void Invalid_audit_options_are_rejected_with_file_and_key(string json, string problem)
    {
        string file = folder.Write("pipeforkas.json", json);
        ConfigurationException refused = Assert.Throws<ConfigurationException>(() => ConfigurationFiles.Load([file]));
        Assert.Contains(refused.Problems, found => found.StartsWith($"{file}: {problem}", StringComparison.Ordinal));
    }

    [Fact]
    public void Valid_audit_options_are_read()
    {
        string file = folder.Write("pipeforkas.json", $$"""
            { "Audit": { "File": "{{folder.File("audit")}}", "Required": true, "RecordsPerMinute": null },
              "JobHosts": [ { "Path": "/bin/true" } ],
              "Commands": { "a": { "Command": ["/bin/echo", "{b}", "{d}"], "Parameters": { "b": {}, "d": {} },
                "AuditedArguments": ["b"], "AuditArguments": ["d"] } },
              "Jobs": { "c": { "AuditedArguments": ["*"] } } }
            """);
        DaemonOptions options = ConfigurationFiles.Load([file]).Options;
        Assert.Equal(
            (folder.File("audit"), true, (int?)null), (options.Audit.File, options.Audit.Required, options.Audit.RecordsPerMinute));
        Assert.Equal([("AuditedArguments", "b"), ("AuditArguments", "d")], options.Commands["a"].ListAuditedArguments());
        Assert.Equal(["*"], options.Jobs["c"].AuditedArguments);
        Assert.False(File.Exists(folder.File("audit")));
    }

    public void Dispose() => folder.Dispose();
}
