using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Loading;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Loading;

public sealed class ConfigurationFilesTests : IDisposable
{
    private const string Host = """ "JobHosts": [ { "Path": "/usr/bin/env" } ] """;

    private readonly TemporaryFolder folder = new();

    public ConfigurationFilesTests() => Assert.SkipUnless(Libc.geteuid() == UserId.Root, "the configuration must be root's");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("{ \"Limits\": ,", "line 1, column 13: ")]
    [InlineData("{\n  \"Limits\": {\n    \"MaxJobs\": 1,,\n  }\n}", "line 3, column 18: ")]
    [InlineData("{ \"Limits\": { \"ä€😀\": 1,, } }", "line 1, column 24: ")]
    public void A_mistake_in_JSON_is_told_with_its_line_as_an_editor_counts(string text, string place)
    {
        string file = folder.Write("wrong.json", text);
        string message = Assert.Throws<ConfigurationException>(() => ConfigurationFile.Read(file)).Message;
        Assert.StartsWith($"{file}: {place}", message);
        Assert.DoesNotContain("LineNumber", message);
    }

    [Theory]
    [InlineData("{ \"a\\n\\u001b[2J\": 1 }")]
    [InlineData("{ \"Limits\": nlul,\n\"Policy\": 1 }")]
    [InlineData("""{ "Policy": { "Rules": [ { "Name": "a", "Callers": ["x\n\u2028"], "Jobs": ["*"], "As": ["self"] } ] } }""")]
    public void A_problem_is_told_in_one_line_whatever_the_file_holds(string text)
    {
        string file = folder.Write("wrong.json", text);
        ConfigurationException refused = Assert.Throws<ConfigurationException>(() => ConfigurationFiles.Load([file]));
        Assert.NotEmpty(refused.Problems);
        Assert.All(refused.Problems, problem => Assert.DoesNotContain(problem, letter => char.IsControl(letter) || letter == '\u2028'));
    }

    [Fact]
    public void A_key_of_many_parts_is_refused_at_little_cost()
    {
        byte[] text = System.Text.Encoding.UTF8.GetBytes($"{{ \"a{new string(':', 100_000)}\": 1 }}");
        _ = Assert.Throws<ConfigurationException>(() => ConfigurationFile.Parse("a", text));
        long before = GC.GetAllocatedBytesForCurrentThread();
        var refused = Assert.Throws<ConfigurationException>(() => ConfigurationFile.Parse("a", text));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 * 1024 * 1024);
        Assert.Equal($"a: a{new string(':', 20)}...: is nested too deeply; a key has at most 32 parts", refused.Message);
    }

    [Fact]
    public void A_key_of_as_many_parts_as_there_may_be_costs_little()
    {
        byte[] text = System.Text.Encoding.UTF8.GetBytes($"{{ \"a{new string(':', 31)}\": 1 }}");
        _ = ConfigurationFile.Parse("a", text).Problems().Count();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.NotEmpty(ConfigurationFile.Parse("a", text).Problems());
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256 * 1024);
    }

    [Fact]
    public void The_example_of_the_design_is_read_as_it_is_meant()
    {
        DaemonOptions options = Load("""
            {
              // Comments
              "Socket":   { "Path": "/run/pipeforkas/pipeforkas.sock", "Mode": "0660" }, /* of both kinds */
              "JobHosts": [ { "Path": "/usr/bin/env", "Workers": 7 } ],
              "Commands": {
                "disk-usage": {
                  "Description": "Sum up a folder",
                  "Command": [ "/usr/bin/env", "-s", "--", "{path}" ],
                  "Parameters": { "path": { "Type": "string", "Pattern": "^[^\\0]{1,4096}$" } },
                  "Timeout": "00:00:30", "Env": [ "LANG" ],
                },
              },
              "Policy": { "MinimumUid": 500 },
              "Limits": {
                "MaxConnections": 4000, "MaxConnectionsPerUid": 1000, "RequestTimeout": "00:00:11",
                "MaxJobs": 255, "MaxJobsPerUid": 63, "JobTimeout": "01:05:00.5", "KillGrace": "00:00:00", "DrainTimeout": "00:00:46",
                "Worker": { "OpenFiles": 1000, "CpuSeconds": null, "FileSize": null, "Umask": "0027", "Nice": -5 }
              },
              "Logging": { "LogLevel": { "Default": "Debug" } },
            }
            """);
        Assert.Equal(("/run/pipeforkas/pipeforkas.sock", "0660"), (options.Socket.Path, options.Socket.Mode));
        Assert.Equal(7, Assert.Single(options.JobHosts).Workers);
        CommandOptions command = Assert.Single(options.Commands).Value;
        Assert.Equal(["/usr/bin/env", "-s", "--", "{path}"], command.Command);
        Assert.Equal(("string", "^[^\\0]{1,4096}$"), (command.Parameters["path"].Type, command.Parameters["path"].Pattern));
        Assert.Equal((TimeSpan.FromSeconds(30), "LANG"), (command.Timeout, Assert.Single(command.Env)));
        Assert.Equal(500u, options.Policy.MinimumUid);
        Assert.Equal(
            (4000, 1000, 255, 63),
            (options.Limits.MaxConnections, options.Limits.MaxConnectionsPerUid, options.Limits.MaxJobs, options.Limits.MaxJobsPerUid));
        Assert.Equal(TimeSpan.FromSeconds(3900.5), options.Limits.JobTimeout);
        Assert.Equal((TimeSpan.Zero, TimeSpan.FromSeconds(46)), (options.Limits.KillGrace, options.Limits.DrainTimeout));
        Assert.Equal(
            (1000, null, null, "0027", -5),
            (options.Limits.Worker.OpenFiles, options.Limits.Worker.CpuSeconds, options.Limits.Worker.FileSize,
                options.Limits.Worker.Umask, options.Limits.Worker.Nice));
    }

    [Fact]
    public void Nobody_who_may_read_the_file_keeps_the_daemon_from_reading_it()
    {
        string file = folder.Write("locked.json", $$"""{ {{Host}} }""");
        using FileStream locked = File.Open(file, FileMode.Open, FileAccess.Read, FileShare.None);
        Assert.Equal("/usr/bin/env", Assert.Single(ConfigurationFiles.Load([file]).Options.JobHosts).Path);
    }

    [Fact]
    public void Without_any_file_the_defaults_hold_and_the_stock_job_host_is_looked_for()
    {
        Assert.Equal(4096, new DaemonOptions().Limits.MaxConnections);
        Assert.Empty(OptionsCheck.Problems(new DaemonOptions()));
        if (!File.Exists(JobHostOptions.StockPath))
            Assert.Equal(
                $"the defaults: JobHosts:0:Path: {JobHostOptions.StockPath}: there is no such file",
                Assert.Single(Assert.Throws<ConfigurationException>(() => ConfigurationFiles.Load([])).Problems));
    }

    [Theory]
    [InlineData("""{ "JobHosts": [] }""")]
    [InlineData("""{ "JobHosts": {} }""")]
    [InlineData("""{ "JobHosts": null }""")]
    [InlineData("{}")]
    public void An_empty_list_of_job_hosts_is_the_stock_one(string json)
    {
        string path = folder.Write("a.json", json);
        if (File.Exists(JobHostOptions.StockPath))
            Assert.Equal(JobHostOptions.StockPath, Assert.Single(ConfigurationFiles.Load([path]).Options.JobHosts).Path);
        else
            Assert.EndsWith(
                $"JobHosts:0:Path: {JobHostOptions.StockPath}: there is no such file",
                Assert.Single(Assert.Throws<ConfigurationException>(() => ConfigurationFiles.Load([path])).Problems),
                StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"Socket\": {}")]
    [InlineData("\"Socket\": null")]
    [InlineData("\"Limits\": {}")]
    [InlineData("\"Limits\": null")]
    [InlineData("\"Limits\": { \"Worker\": {} }")]
    [InlineData("\"Limits\": { \"Worker\": null }")]
    [InlineData("\"Policy\": null")]
    [InlineData("\"Commands\": {}")]
    [InlineData("\"Commands\": null")]
    [InlineData("\"Logging\": {}")]
    [InlineData("\"Logging\": null")]
    public void An_empty_section_is_its_defaults(string json)
    {
        DaemonOptions options = Load($"{{ {json}, {Host} }}");
        Assert.Equal(
            (ClientSocket, 1000u, 256, 1024),
            (options.Socket.Path, options.Policy.MinimumUid, options.Limits.MaxJobs, options.Limits.Worker.OpenFiles));
        Assert.Empty(options.Commands);
    }

    private static string ClientSocket => new SocketOptions().Path;

    [Theory]
    // Unknown keys at each level, with what may be meant.
    [InlineData("\"Sockets\": { \"Path\": \"/x\" }", "Sockets:Path: unknown key; did you mean \"Socket\"?")]
    [InlineData("\"MaxJobs\": 5", "MaxJobs: unknown key; did you mean \"Limits:MaxJobs\"?")]
    [InlineData("\"Xyzzyplugh\": 5", "Xyzzyplugh: unknown key")]
    [InlineData("\"Xyzzyplugh\": {}", "Xyzzyplugh: unknown key")]
    [InlineData("\"Xyzzyplugh\": []", "Xyzzyplugh: unknown key")]
    [InlineData("\"Xyzzyplugh\": null", "Xyzzyplugh: unknown key")]
    [InlineData("\"Socket\": { \"Pth\": \"/x\" }", "Socket:Pth: unknown key; did you mean \"Path\"?")]
    [InlineData("\"Limits\": { \"MaxJob\": 5 }", "Limits:MaxJob: unknown key; did you mean \"MaxJobs\"?")]
    [InlineData("\"Limits\": { \"Wroker\": { \"Nice\": 5 } }", "Limits:Wroker:Nice: unknown key; did you mean \"Worker\"?")]
    [InlineData("\"Limits\": { \"Worker\": { \"Threads\": 5 } }", "Limits:Worker:Threads: unknown key")]
    [InlineData(
        "\"Commands\": { \"x\": { \"Command\": [ \"/usr/bin/env\" ], \"Comand\": 1 } }",
        "Commands:x:Comand: unknown key; did you mean \"Command\"?")]
    [InlineData(
        "\"Commands\": { \"x\": { \"Command\": [ \"/usr/bin/env\" ], \"Parameters\": { \"p\": { \"Tpye\": \"string\" } } } }",
        "Commands:x:Parameters:p:Tpye: unknown key; did you mean \"Type\"?")]
    // Wrong types.
    [InlineData("\"Limits\": 5", "Limits: must be an object or a list, not one value")]
    [InlineData("\"Limits\": true", "Limits: must be an object or a list, not one value")]
    [InlineData("\"Commands\": { \"x\": \"/bin/ls\" }", "Commands:x: must be an object or a list, not one value")]
    [InlineData(
        "\"Commands\": { \"x\": { \"Command\": \"/bin/ls -l\" } }", "Commands:x:Command: must be an object or a list, not one value")]
    [InlineData("\"Limits\": { \"MaxJobs\": { \"a\": 1 } }", "Limits:MaxJobs: must be one value, not an object or a list")]
    [InlineData("\"Limits\": { \"MaxJobs\": [ 1 ] }", "Limits:MaxJobs: must be one value, not an object or a list")]
    [InlineData("\"Limits\": { \"MaxJobs\": {} }", "Limits:MaxJobs: must not be null or empty; remove it to use the default")]
    [InlineData("\"Limits\": { \"MaxJobs\": null }", "Limits:MaxJobs: must not be null or empty; remove it to use the default")]
    [InlineData("\"Socket\": { \"Mode\": null }", "Socket:Mode: must not be null or empty; remove it to use the default")]
    [InlineData("\"Socket\": { \"Path\": null }", "Socket:Path: must not be null or empty; remove it to use the default")]
    [InlineData(
        "\"Commands\": { \"x\": { \"Command\": [ null ] } }",
        "Commands:x:Command:0: must not be null or empty; remove it to use the default")]
    [InlineData(
        "\"Commands\": { \"x\": { \"Command\": [ \"/usr/bin/env\" ], \"Env\": [ null ] } }",
        "Commands:x:Env:0: must not be null or empty; remove it to use the default")]
    [InlineData(
        "\"Commands\": { \"x\": { \"Command\": [ \"/usr/bin/env\", [ \"a\" ] ] } }",
        "Commands:x:Command:1: must be one value, not an object or a list")]
    [InlineData("\"Limits\": { \"JobTimeout\": 30 }",
        "Limits:JobTimeout: \"30\" has no unit; write 30s, 30m, 30h, 30ms, or hours, minutes and seconds: 00:00:30")]
    [InlineData("\"Limits\": { \"JobTimeout\": \"1\" }",
        "Limits:JobTimeout: \"1\" has no unit; write 1s, 1m, 1h, 1ms, or hours, minutes and seconds: 00:00:30")]
    [InlineData("\"Limits\": { \"JobTimeout\": \"30 s\" }",
        "Limits:JobTimeout: \"30 s\" is not a time; "
        + "write a number with ms, s, m, h or d, as 30s or 5m, or hours, minutes and seconds: 00:00:30")]
    // Out of range.
    [InlineData("\"Limits\": { \"MaxJobs\": 0 }", "Limits:MaxJobs: is 0, must be from 1 to 10000")]
    [InlineData("\"Limits\": { \"MaxJobs\": -1 }", "Limits:MaxJobs: is -1, must be from 1 to 10000")]
    [InlineData("\"Limits\": { \"MaxJobs\": 10001 }", "Limits:MaxJobs: is 10001, must be from 1 to 10000")]
    [InlineData("\"Limits\": { \"MaxConnections\": 0 }", "Limits:MaxConnections: is 0, must be from 1 to 100000")]
    [InlineData("\"Limits\": { \"MaxConnectionsPerUid\": 100001 }", "Limits:MaxConnectionsPerUid: is 100001, must be from 1 to 100000")]
    [InlineData(
        "\"Limits\": { \"RequestTimeout\": \"00:00:00\" }",
        "Limits:RequestTimeout: is 00:00:00, must be from 00:00:00.1000000 to 00:10:00")]
    [InlineData(
        "\"Limits\": { \"RequestTimeout\": \"-00:00:05\" }",
        "Limits:RequestTimeout: is -00:00:05, must be from 00:00:00.1000000 to 00:10:00")]
    [InlineData(
        "\"Limits\": { \"LookupCacheTime\": \"01:00:01\" }", "Limits:LookupCacheTime: is 01:00:01, must be from 00:00:00 to 01:00:00")]
    [InlineData(
        "\"Limits\": { \"JobTimeout\": \"1.00:00:01\" }", "Limits:JobTimeout: is 1.00:00:01, must be from 00:00:00.1000000 to 1.00:00:00")]
    [InlineData("\"Limits\": { \"Worker\": { \"Nice\": -21 } }", "Limits:Worker:Nice: is -21, must be from -20 to 19")]
    [InlineData("\"Limits\": { \"Worker\": { \"OpenFiles\": 15 } }", "Limits:Worker:OpenFiles: is 15, must be from 16 to 1048576")]
    [InlineData("\"Limits\": { \"Worker\": { \"CpuSeconds\": 0 } }", "Limits:Worker:CpuSeconds: is 0, must be from 1 to 2147483647")]
    [InlineData("\"Limits\": { \"Worker\": { \"FileSize\": -1 } }", "Limits:Worker:FileSize: is -1, must be from 0 to 9223372036854775807")]
    [InlineData(
        "\"Limits\": { \"Worker\": { \"Umask\": \"0888\" } }", "Limits:Worker:Umask: must be octal digits from 0000 to 0777, as a string")]
    [InlineData("\"Socket\": { \"Mode\": \"1777\" }", "Socket:Mode: must be octal digits from 0000 to 0777, as a string")]
    [InlineData("\"Socket\": { \"Mode\": \"\" }", "Socket:Mode: must not be null or empty; remove it to use the default")]
    [InlineData("\"Socket\": { \"Mode\": \"rw-rw-rw-\" }", "Socket:Mode: must be octal digits from 0000 to 0777, as a string")]
    [InlineData("\"Socket\": { \"Path\": \"run/x\" }", "Socket:Path: must be an absolute path of at most 107 bytes")]
    [InlineData("\"Socket\": { \"Path\": \"\" }", "Socket:Path: must not be null or empty; remove it to use the default")]
    [InlineData("\"Socket\": { \"Path\": \"/a\\u0000b\" }", "Socket:Path: must be an absolute path of at most 107 bytes")]
    [InlineData("\"Policy\": { \"MinimumUid\": 0 }", "Policy:MinimumUid: must be from 1 to 4294967294")]
    [InlineData("\"Policy\": { \"MinimumUid\": 4294967295 }", "Policy:MinimumUid: must be from 1 to 4294967294")]
    // Commands.
    [InlineData("\"Commands\": { \"x\": {} }", "Commands:x: Command: must name a program by its absolute path, and its arguments")]
    [InlineData(
        "\"Commands\": { \"x\": { \"Command\": [] } }", "Commands:x:Command: must name a program by its absolute path, and its arguments")]
    [InlineData(
        "\"Commands\": { \"x y\": { \"Command\": [ \"/usr/bin/env\" ] } }",
        "Commands:x y: a job's name must be 1 to 64 characters of a-z, A-Z, 0-9, '-', '_' and '.', the first a letter or a digit")]
    [InlineData("\"Commands\": { \"x\": { \"Command\": [ \"env\" ] } }", "Commands:x:Command:0: env: it must be an absolute path")]
    [InlineData("\"Commands\": { \"x\": { \"Command\": [ \"/no/such\" ] } }", "Commands:x:Command:0: /no/such: there is no such file")]
    [InlineData(
        "\"Commands\": { \"x\": { \"Command\": [ \"{p}\", \"{p}\" ], \"Parameters\": { \"p\": {} } } }",
        "Commands:x:Command:0: {p}: it must be an absolute path")]
    [InlineData(
        "\"Commands\": { \"x\": { \"Command\": [ \"/usr/bin/env\", \"{p}\" ] } }",
        "Commands:x:Command:1: names the parameter \"p\", which Parameters does not declare")]
    [InlineData("\"Commands\": { \"x\": { \"Command\": [ \"/usr/bin/env\", \"a\\u0000\" ] } }",
        "Commands:x:Command:1: must not contain NUL")]
    [InlineData(
        "\"Commands\": { \"x\": { \"Command\": [ \"/usr/bin/env\", \"{p}.txt\" ], \"Parameters\": { \"p\": {} } } }",
        "Commands:x:Command:1: a parameter at the beginning of a word must be the whole word; make \"{p}\" a separate word")]
    [InlineData(
        "\"Commands\": { \"x\": { \"Command\": [ \"/usr/bin/env\", \"--{p}\" ], \"Parameters\": { \"p\": {} } } }",
        "Commands:x:Command:1: after \"--\" a value could become another option; "
            + "write \"--OPTION={p}\", or make \"{p}\" a separate word")]
    [InlineData(
        "\"Commands\": { \"x\": { \"Command\": [ \"/bin/sh\", \"-c\", \"echo {p}\" ], \"Parameters\": { \"p\": {} } } }",
        "Commands:x:Command:2: text beside a parameter must not contain white space, quotes or any of `$;|&<>()\\, which an interpreter "
        + "would read; make \"{p}\" a separate word")]
    [InlineData(
        "\"Commands\": { \"x\": { \"Command\": [ \"/usr/bin/env\" ], \"Parameters\": { \"p\": {} } } }",
        "Commands:x:Parameters:p: is not used in Command; add the word \"{p}\"")]
    [InlineData(
        "\"Commands\": { \"x\": { \"Command\": [ \"/usr/bin/env\" ], \"Description\": \"a\\nb\" } }",
        "Commands:x:Description: must be one line")]
    [InlineData(
        "\"Commands\": { \"x\": { \"Command\": [ \"/usr/bin/env\" ], \"Timeout\": \"00:00:00\" } }",
        "Commands:x:Timeout: is 00:00:00, must be more than 00:00:00")]
    [InlineData("\"Commands\": { \"x\": { \"Command\": [ \"/usr/bin/env\" ], \"Timeout\": 30 } }",
        "Commands:x:Timeout: \"30\" has no unit; write 30s, 30m, 30h, 30ms, or hours, minutes and seconds: 00:00:30")]
    [InlineData(
        "\"Commands\": { \"x\": { \"Command\": [ \"/usr/bin/env\" ], \"Env\": [ \"LD_PRELOAD\" ] } }",
        "Commands:x:Env: clients cannot be allowed to set the variable \"LD_PRELOAD\"")]
    public void What_is_wrong_is_told_with_file_and_key(string json, string problem)
    {
        string path = folder.Write("a.json", $"{{ {json}, {Host} }}");
        problem = problem.Replace("Commands:x: Command:", "Commands:x:Command:", StringComparison.Ordinal);
        Assert.Equal([$"{path}: {problem}"], Problems(path));
    }

    [Theory]
    [InlineData("\"Type\": \"int\"", "Type: must be string, integer, number or boolean")]
    [InlineData("\"Pattern\": \"(\"", "Pattern: cannot be used as a regular expression: ")]
    [InlineData("\"Pattern\": \"(a)\\\\1\"", "Pattern: cannot be used as a regular expression: ")]
    [InlineData("\"Type\": \"integer\", \"Pattern\": \"a\"", "Pattern: only a string can have a Pattern")]
    [InlineData("\"Pattern\": \"((a.{1,500}){1,500}){1,500}\"", "Pattern: cannot be used as a regular expression: its repetitions")]
    [InlineData("\"Pattern\": \"(.*(aa|bb){1,3000})*\"", "Pattern: cannot be used as a regular expression: it has ")]
    [InlineData("\"Type\": \"integer\", \"MaxLength\": \"5\"", "MaxLength: only a string can have a MaxLength")]
    [InlineData("\"MaxLength\": 0", "MaxLength: must be from 1 to 65536")]
    [InlineData("\"MaxLength\": 65537", "MaxLength: must be from 1 to 65536")]
    [InlineData("\"MaxLength\": 2, \"Default\": \"abc\"", "Default: is longer than MaxLength")]
    [InlineData("\"Type\": \"integer\", \"Default\": \"a\"", "Default: must be an integer")]
    [InlineData("\"Type\": \"integer\", \"Default\": 1.5", "Default: must be an integer")]
    [InlineData("\"Type\": \"number\", \"Default\": \"NaN\"", "Default: must be a number")]
    [InlineData("\"Type\": \"number\", \"Default\": \"\"", "Default: must be a number")]
    [InlineData("\"Type\": \"boolean\", \"Default\": 1", "Default: must be true or false")]
    [InlineData("\"Pattern\": \"[a-z]\", \"Default\": \"ab\"", "Default: does not match the Pattern")]
    [InlineData("\"Default\": \"a\\u0000\"", "Default: must not contain NUL")]
    [InlineData("\"AllowLeadingDash\": \"yes\"", "AllowLeadingDash: \"yes\" is not true or false; write one of them")]
    public void What_is_wrong_with_a_parameter_is_told_with_file_and_key(string parameter, string problem)
    {
        string path = folder.Write(
            "a.json",
            $$$"""
            { "Commands": { "x": { "Command": [ "/usr/bin/env", "{p}" ], "Parameters": { "p": { {{{parameter}}} } } } }, {{{Host}}} }
            """);
        Assert.StartsWith($"{path}: Commands:x:Parameters:p:{problem}", Assert.Single(Problems(path)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"Type\": \"boolean\", \"Default\": true")]
    [InlineData("\"Type\": \"integer\", \"Default\": -5")]
    [InlineData("\"Type\": \"number\", \"Default\": 1.5e3")]
    [InlineData("\"Default\": \"\"")]
    [InlineData("\"Default\": null, \"Pattern\": null, \"MaxLength\": null")]
    [InlineData("\"Pattern\": \"(.*(aa|bb){1,3000})*\", \"MaxLength\": 64")]
    [InlineData("\"Pattern\": \"[a-z]*\", \"Default\": \"ab\"")]
    public void A_default_of_its_type_is_fine(string parameter) =>
        Load($$$"""
            { "Commands": { "x": { "Command": [ "/usr/bin/env", "{p}" ], "Parameters": { "p": { {{{parameter}}} } } } }, {{{Host}}} }
            """);

    [Theory]
    [InlineData("\"Limits\": { \"MaxJobs\": \"many\" }", "Limits:MaxJobs")]
    [InlineData("\"Limits\": { \"MaxJobs\": 1e3 }", "Limits:MaxJobs")]
    [InlineData("\"Limits\": { \"MaxJobs\": 1.0 }", "Limits:MaxJobs")]
    [InlineData("\"Limits\": { \"MaxJobs\": true }", "Limits:MaxJobs")]
    [InlineData("\"Limits\": { \"MaxJobs\": 99999999999 }", "Limits:MaxJobs")]
    [InlineData("\"Limits\": { \"MaxJobs\": \"it's at 'x' to\" }", "Limits:MaxJobs")]
    [InlineData("\"Limits\": { \"JobTimeout\": \"5:xx\" }", "Limits:JobTimeout")]
    [InlineData("\"Limits\": { \"JobTimeout\": \"00:00:61\" }", "Limits:JobTimeout")]
    [InlineData("\"Limits\": { \"JobTimeout\": \"25:00:00:00:00\" }", "Limits:JobTimeout")]
    [InlineData("\"Policy\": { \"MinimumUid\": -1 }", "Policy:MinimumUid")]
    [InlineData("\"Policy\": { \"MinimumUid\": 4294967296 }", "Policy:MinimumUid")]
    public void A_value_that_is_no_number_or_no_time_is_told_with_file_and_key(string json, string key)
    {
        string path = folder.Write("a.json", $"{{ {json}, {Host} }}");
        string problem = Assert.Single(Problems(path));
        Assert.StartsWith($"{path}: {key}: \"", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("00:00:30", 30)]
    [InlineData("0:0:30.5", 30.5)]
    [InlineData("5m", 300)]
    [InlineData("30s", 30)]
    [InlineData("2h", 7200)]
    [InlineData("500ms", 0.5)]
    [InlineData("0.5s", 0.5)]
    [InlineData("1d", 86400)]
    [InlineData("0.23:59:59", 86399)]
    [InlineData("1.00:00:00", 86400)]
    public void Times_may_be_written_as(string text, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Load($$"""{ "Limits": { "JobTimeout": "{{text}}" }, {{Host}} }""").Limits.JobTimeout);

    [Fact]
    public void An_empty_word_of_a_command_is_a_word_and_an_empty_default_is_a_default()
    {
        CommandOptions command = Load($$"""
            { "Commands": { "x": { "Command": [ "/usr/bin/env", "", "{p}", "" ], "Parameters": { "p": { "Default": "" } } } }, {{Host}} }
            """).Commands["x"];
        Assert.Equal(["/usr/bin/env", "", "{p}", ""], command.Command);
        Assert.Equal("", command.Parameters["p"].Default);
    }

    [Fact]
    public void A_list_of_more_than_ten_entries_keeps_its_order()
    {
        string[] words = ["/usr/bin/env", .. Enumerable.Range(1, 25).Select(number => $"w{number}")];
        Assert.Equal(
            words, Load(
                $$"""{ "Commands": { "x": { "Command": [ "{{string.Join("\", \"", words)}}" ] } }, {{Host}} }""").Commands["x"].Command);
    }

    [Fact]
    public void Keys_are_known_whatever_their_case_and_names_of_jobs_keep_theirs()
    {
        DaemonOptions options = Load(
            $$"""{ "limits": { "MAXJOBS": 5 }, "commands": { "My-Job": { "command": [ "/usr/bin/env" ] } }, {{Host}} }""");
        Assert.Equal(5, options.Limits.MaxJobs);
        Assert.Equal("My-Job", Assert.Single(options.Commands).Key);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("5")]
    [InlineData("null")]
    [InlineData("{} {}")]
    [InlineData("{ \"Limits\": { \"MaxJobs\": 01 } }")]
    [InlineData("{ \"Limits\": { \"MaxJobs\": 1, \"MaxJobs\": 2 } }")]
    [InlineData("{ \"Limits\": { \"MaxJobs\": 1, \"maxjobs\": 2 } }")]
    [InlineData("{ \"JobHosts\": [ { \"Path\": \"/a\" } ], \"JobHosts\": [ { \"Path\": \"/b\" } ] }")]
    [InlineData("{ \"Commands\": { \"x\": { \"Command\": [ \"/a\" ] }, \"X\": { \"Command\": [ \"/b\" ] } } }")]
    [InlineData("""{ "Socket": { "Path": "/run/\ud800" } }""")]
    public void What_is_no_json_object_or_says_something_twice_is_refused_with_its_file(string json)
    {
        string path = folder.Write("a.json", json);
        Assert.StartsWith($"{path}: ", Assert.Single(Problems(path)), StringComparison.Ordinal);
    }

    [Fact]
    public void Later_files_override_earlier_ones_and_each_problem_names_its_own()
    {
        string main = folder.Write(
            "a.json",
            $$"""{ "Limits": { "MaxJobs": 5, "MaxJobsPerUid": 6 }, "Commands": { "x": { "Command": [ "/usr/bin/env" ] } }, {{Host}} }""");
        string more = folder.Write(
            "b.json",
            """{ "Limits": { "MaxJobs": 7 }, "Commands": { "x": { "Timeout": "00:00:05" }, "y": { "Command": [ "/usr/bin/env" ] } } }""");
        DaemonOptions options = ConfigurationFiles.Load([main, more]).Options;
        Assert.Equal((7, 6), (options.Limits.MaxJobs, options.Limits.MaxJobsPerUid));
        Assert.Equal(TimeSpan.FromSeconds(5), options.Commands["x"].Timeout);
        Assert.Equal(2, options.Commands.Count);

        string bad = folder.Write("c.json", """{ "Limits": { "MaxJobsPerUid": 0 } }""");
        Assert.Equal([$"{bad}: Limits:MaxJobsPerUid: is 0, must be from 1 to 10000"], Problems(main, more, bad));
        folder.Write("c.json", """{ "Limits": 5, "Polices": {} }""");
        Assert.Equal(
            [$"{bad}: Limits: must be an object or a list, not one value", $"{bad}: Polices: unknown key; did you mean \"Policy\"?"],
            Problems(main, more, bad).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_list_that_two_files_would_mix_entry_by_entry_is_refused()
    {
        string main = folder.Write("a.json", $$"""{ "Commands": { "x": { "Command": [ "/usr/bin/env", "-s", "secret" ] } }, {{Host}} }""");
        string more = folder.Write(
            "b.json", """{ "commands": { "x": { "Command": [ "/usr/bin/id" ] } }, "JobHosts": [ { "Workers": 9 } ] }""");
        Assert.Equal(
            [$"{more}: JobHosts: is also in {main}; write a list in only one file",
                $"{more}: commands:x:Command: is also in {main}; write a list in only one file"],
            Problems(main, more).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("""[ { "Name": "a", "Callers": [ "*" ], "Jobs": [ "*" ], "As": [ "self" ] } ]""", "[]")]
    [InlineData("[]", """[ { "Name": "a", "Callers": [ "*" ], "Jobs": [ "*" ], "As": [ "self" ] } ]""")]
    public void An_empty_list_is_not_lost_beside_a_list_of_another_file(string first, string second)
    {
        string main = folder.Write("a.json", $$"""{ "Policy": { "Rules": {{first}} }, {{Host}} }""");
        string more = folder.Write("b.json", $$"""{ "Policy": { "Rules": {{second}} } }""");
        Assert.Equal([$"{more}: Policy:Rules: is also in {main}; write a list in only one file"], Problems(main, more));
    }

    [Fact]
    public void Files_that_others_may_write_or_that_are_missing_are_not_read()
    {
        string open = folder.Write("a.json", "not even JSON");
        Libc.chmod(open, 0x1B6);
        Assert.Equal(
            [$"{open} can be written by users other than root; remove that (chmod go-w)",
                $"{folder.File("b.json")}: there is no such file"],
            Problems(open, folder.File("b.json")));
    }

    [Fact]
    public void A_hidden_file_and_one_with_a_byte_order_mark_are_files_as_any()
    {
        string hidden = folder.Write(".a.json", $$"""{ "Limits": { "MaxJobs": 5 }, {{Host}} }""");
        Assert.Equal(5, ConfigurationFiles.Load([hidden]).Options.Limits.MaxJobs);
        File.WriteAllText(hidden, $$"""{ "Limits": { "MaxJobs": 6 }, {{Host}} }""", System.Text.Encoding.UTF8);
        Assert.Equal(6, ConfigurationFiles.Load([hidden]).Options.Limits.MaxJobs);
    }

    [Fact]
    public void The_chosen_file_replaces_all_others() => Assert.Equal(["/a/b.json"], ConfigurationFiles.Find("/a/x/../b.json"));

    [Fact]
    public void A_job_host_that_others_may_write_is_refused_and_so_is_too_many_workers()
    {
        string host = folder.Write("host", "");
        Libc.chmod(host, Everyone);
        string path = folder.Write(
            "a.json",
            $$"""
            { "JobHosts": [ { "Path": "/usr/bin/env", "Workers": 5, "MaxWorkers": 4 }, { "Path": "{{host}}", "Workers": 257 },
                { "Path": "env", "Workers": -1 } ] }
            """);
        Assert.Equal(
            [
                $"{path}: JobHosts:0:MaxWorkers: must be from Workers to 256",
                $"{path}: JobHosts:1:Path: {host} can be written by users other than root; remove that (chmod go-w)",
                $"{path}: JobHosts:1:Workers: must be from 0 to 256",
                $"{path}: JobHosts:2:Path: env: it must be an absolute path",
                $"{path}: JobHosts:2:Workers: must be from 0 to 256",
            ],
            Problems(path));
    }

    private const uint Everyone = 0x1FF; // 0777

    private DaemonOptions Load(string json) => ConfigurationFiles.Load([folder.Write("a.json", json)]).Options;

    private static IReadOnlyList<string> Problems(params string[] files) =>
        Assert.Throws<ConfigurationException>(() => ConfigurationFiles.Load(files)).Problems;
}
