"""AWS App Mesh by the API of AWS. ``cluster`` is the whole: what lies in the meshes of one account and region, as
objects in the form of the definitions of its Kubernetes controller; services and their instances as facts."""
