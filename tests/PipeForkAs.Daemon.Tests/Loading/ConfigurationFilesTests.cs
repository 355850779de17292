using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Loading;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Loading;

/// <summary>The files of the configuration, and what they mean together.</summary>
public sealed class ConfigurationFilesTests : ConfigurationTest
{
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
        string file = Folder.Write("locked.json", $$"""{ {{Host}} }""");
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
        string path = Folder.Write("a.json", json);
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
            (new SocketOptions().Path, 1000u, 256, 1024),
            (options.Socket.Path, options.Policy.MinimumUid, options.Limits.MaxJobs, options.Limits.Worker.OpenFiles));
        Assert.Empty(options.Commands);
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
    public void Later_files_override_earlier_ones_and_each_problem_names_its_own()
    {
        string main = Folder.Write(
            "a.json",
            $$"""{ "Limits": { "MaxJobs": 5, "MaxJobsPerUid": 6 }, "Commands": { "x": { "Command": [ "/usr/bin/env" ] } }, {{Host}} }""");
        string more = Folder.Write(
            "b.json",
            """{ "Limits": { "MaxJobs": 7 }, "Commands": { "x": { "Timeout": "00:00:05" }, "y": { "Command": [ "/usr/bin/env" ] } } }""");
        DaemonOptions options = ConfigurationFiles.Load([main, more]).Options;
        Assert.Equal((7, 6), (options.Limits.MaxJobs, options.Limits.MaxJobsPerUid));
        Assert.Equal(TimeSpan.FromSeconds(5), options.Commands["x"].Timeout);
        Assert.Equal(2, options.Commands.Count);

        string bad = Folder.Write("c.json", """{ "Limits": { "MaxJobsPerUid": 0 } }""");
        Assert.Equal([$"{bad}: Limits:MaxJobsPerUid: is 0, must be from 1 to 10000"], Problems(main, more, bad));
        Folder.Write("c.json", """{ "Limits": 5, "Polices": {} }""");
        Assert.Equal(
            [$"{bad}: Limits: must be an object or a list, not one value", $"{bad}: Polices: unknown key; did you mean \"Policy\"?"],
            Problems(main, more, bad).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_list_that_two_files_would_mix_entry_by_entry_is_refused()
    {
        string main = Folder.Write("a.json", $$"""{ "Commands": { "x": { "Command": [ "/usr/bin/env", "-s", "secret" ] } }, {{Host}} }""");
        string more = Folder.Write(
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
        string main = Folder.Write("a.json", $$"""{ "Policy": { "Rules": {{first}} }, {{Host}} }""");
        string more = Folder.Write("b.json", $$"""{ "Policy": { "Rules": {{second}} } }""");
        Assert.Equal([$"{more}: Policy:Rules: is also in {main}; write a list in only one file"], Problems(main, more));
    }

    [Fact]
    public void Files_that_others_may_write_or_that_are_missing_are_not_read()
    {
        string open = Folder.Write("a.json", "not even JSON");
        Libc.chmod(open, 0x1B6);
        Assert.Equal(
            [$"{open} can be written by users other than root; remove that (chmod go-w)",
                $"{Folder.File("b.json")}: there is no such file"],
            Problems(open, Folder.File("b.json")));
    }

    [Fact]
    public void A_hidden_file_and_one_with_a_byte_order_mark_are_files_as_any()
    {
        string hidden = Folder.Write(".a.json", $$"""{ "Limits": { "MaxJobs": 5 }, {{Host}} }""");
        Assert.Equal(5, ConfigurationFiles.Load([hidden]).Options.Limits.MaxJobs);
        File.WriteAllText(hidden, $$"""{ "Limits": { "MaxJobs": 6 }, {{Host}} }""", System.Text.Encoding.UTF8);
        Assert.Equal(6, ConfigurationFiles.Load([hidden]).Options.Limits.MaxJobs);
    }

    [Fact]
    public void The_chosen_file_replaces_all_others() => Assert.Equal(["/a/b.json"], ConfigurationFiles.Find("/a/x/../b.json"));
}
