using PipeForkAs.Jobs;

return JobHost.Run(args, jobs =>
{
    jobs.Add("business-logic", () => "eggman").WithDescription("The demonstration's function");
});
