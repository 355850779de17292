using PipeForkAs.Daemon.Authorization;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Loading;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Tests.Fuzz;

namespace PipeForkAs.Daemon.Tests.Configuration;

/// <summary>
/// Reads nearly valid configurations: each is read, or rejected with one line per problem. A reload must never end the daemon.
/// </summary>
[Collection(nameof(Fuzzing))]
public sealed class ConfigurationFuzzTests : IDisposable
{
    private static readonly JsonMutation Files = new(
    [
        ("JobHosts", ["[ { \"Path\": \"/usr/bin/env\" } ]", "[ { \"Path\": \"/usr/bin/env\", \"Workers\": 4 } ]"]),
        ("Socket", ["{ \"Path\": \"/run/x.sock\", \"Mode\": \"0666\" }", "{ \"Mode\": \"660\" }"]),
        ("Commands",
            ["{}", "{ \"du\": { \"Command\": [ \"/usr/bin/env\", \"-s\", \"{path}\" ], \"Parameters\": { \"path\": { \"Type\": "
            + "\"string\", \"Pattern\": \"[a-z]+\" } }, \"Timeout\": \"00:00:30\" } }"]),
        ("Limits",
            ["{ \"MaxJobs\": 3, \"JobTimeout\": \"00:01:00\" }",
                "{ \"Worker\": { \"Umask\": \"0077\", \"Nice\": 3, \"MemoryMax\": null } }", "{ \"KillGrace\": \"00:00:05\" }"]),
        ("Policy",
            ["{ \"MinimumUid\": 500 }", "{ \"Rules\": [] }",
                "{ \"Rules\": [ { \"Name\": \"a\", \"Callers\": [\"*\"], \"Jobs\": [\"*\"], \"As\": [\"self\"], \"Where\": { \"p\": { "
                    + "\"Under\": \"~\" } } } ] }"]),
        ("Logging", ["{ \"LogLevel\": { \"Default\": \"Debug\" } }"]),
    ]);

    private static readonly JsonMutation Rules = new(
    [
        ("Name", ["\"a\"", "\"panel\""]), ("Callers", ["[\"*\"]", "[\"root\", \"33\", \"@root\"]"]),
            ("Jobs", ["[\"*\"]", "[\"read-*\", \"id\"]"]), ("As", ["[\"self\"]", "[\"root\"]", "[\"*\", \"@0\"]"]),
        ("Deny", ["true", "false"]), ("AllowRoot", ["true", "false"]), ("RequireConsent", ["true", "false"]),
        ("Where",
            ["{}", "{ \"p\": { \"Pattern\": \"(a|b)*c\", \"OneOf\": [\"x\", 1] } }", "{ \"n\": { \"AtMost\": 1.5, \"AtLeast\": -3 } }",
                "{ \"e\": { \"Equals\": true } }"]),
    ]);

    /// <summary>
    /// Each mistyped key is compared with every known key to suggest one. This cost is acceptable because only root writes the file.
    /// </summary>
    private const int MostBytes = 256 * 1024 * 1024;

    private readonly TemporaryFolder folder = new();

    public ConfigurationFuzzTests() => Assert.SkipUnless(Libc.geteuid() == UserId.Root, "the configuration must be root's");

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Configurations_are_read_or_rejected_with_their_problems()
    {
        FuzzResult result = await Fuzzing.RunAsync(Fuzzing.Rounds(1_000, soak: 10_000), Files.Next, Takes, MostBytes);
        Assert.InRange(result.Taken, 1, result.Rounds / 2);
    }

    [Fact]
    public async Task Policies_are_read_or_rejected_with_their_problems()
    {
        FuzzResult result = await Fuzzing.RunAsync(
            Fuzzing.Rounds(1_000, soak: 10_000),
            random =>
                [.. """{ "JobHosts": [ { "Path": "/usr/bin/env" } ], "Policy": { "Rules": ["""u8, .. Rules.Next(random), .. "] } }"u8],
            Takes, MostBytes);
        Assert.InRange(result.Taken, 1, result.Rounds / 2);
    }

    private bool Takes(byte[] content)
    {
        string file = folder.File("a.json");
        File.WriteAllBytes(file, content);
        Libc.chmod(file, 0x1A4); // 0644
        try
        {
            DaemonOptions options = ConfigurationFiles.Load([file]).Options;
            _ = PolicyReader.Read(options.Policy, SystemNames.Instance);
            return true;
        }
        catch (ConfigurationException refused)
        {
            Assert.NotEmpty(refused.Problems);
            return false;
        }
    }
}
