using PipeForkAs.Client;
using PipeForkAs.Protocol;

if (args.Length == 0)
{
    Console.Error.WriteLine("usage: panel-client JOB [NAME=VALUE ...]");
    return 2;
}

try
{
    // The environment variable PIPEFORKAS_SOCKET names another socket.
    var client = new PipeForkAsClient();
    JobDescription job = await client.DescribeAsync(args[0]);
    var request = new JobRequest(job.Name) { Arguments = ArgumentPairs.ToJson(args[1..], job.Arguments) };
    JobOutput output = await client.CaptureAsync(request);
    Console.Write(output.EnsureSuccess().StdoutText);
    return 0;
}
catch (JobFailedException failure)
{
    Console.Error.WriteLine(failure.Message);
    return failure.ExitCode ?? 1;
}
catch (PipeForkAsException noReply)
{
    Console.Error.WriteLine(noReply.Message);
    return 1;
}
