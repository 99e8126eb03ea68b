package autoscaling

// The parts of autoscaling/v2 that are judged, as its JSON has them. See
// https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v2/
type (
	spec struct {
		Target struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"scaleTargetRef"`
		MinReplicas *int      `json:"minReplicas"`
		MaxReplicas int       `json:"maxReplicas"`
		Metrics     []metric  `json:"metrics"`
		Behavior    *behavior `json:"behavior"`
	}
	behavior struct {
		Up   *rules `json:"scaleUp"`
		Down *rules `json:"scaleDown"`
	}
	rules struct {
		Window    *int      `json:"stabilizationWindowSeconds"`
		Select    string    `json:"selectPolicy"`
		Policies  []policy  `json:"policies"`
		Tolerance *quantity `json:"tolerance"`
	}
	policy struct {
		Type   string `json:"type"`
		Value  int    `json:"value"`
		Period int    `json:"periodSeconds"`
	}
	// metric is one of the spec's, with a target, or of the status's, with
	// what it is now.
	metric struct {
		Type              string  `json:"type"`
		Resource          *source `json:"resource"`
		ContainerResource *source `json:"containerResource"`
		Pods              *source `json:"pods"`
		Object            *source `json:"object"`
		External          *source `json:"external"`
	}
	source struct {
		Name      string `json:"name"`
		Container string `json:"container"`
		Metric    struct {
			Name string `json:"name"`
		} `json:"metric"`
		Object struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"describedObject"`
		Target  amount `json:"target"`
		Current amount `json:"current"`
	}
	amount struct {
		Type               string    `json:"type"`
		Value              *quantity `json:"value"`
		AverageValue       *quantity `json:"averageValue"`
		AverageUtilization *quantity `json:"averageUtilization"`
	}
	status struct {
		LastScaleTime   string      `json:"lastScaleTime"`
		CurrentReplicas int         `json:"currentReplicas"`
		DesiredReplicas int         `json:"desiredReplicas"`
		CurrentMetrics  []metric    `json:"currentMetrics"`
		Conditions      []condition `json:"conditions"`
	}
	condition struct {
		Type    string `json:"type"`
		Status  string `json:"status"`
		Reason  string `json:"reason"`
		Message string `json:"message"`
	}
)

// The conditions of an autoscaler, and the reasons of them that matter here.
const (
	ableToScale    = "AbleToScale"
	scalingActive  = "ScalingActive"
	scalingLimited = "ScalingLimited"

	tooMany = "TooManyReplicas" // of ScalingLimited: it would want more than its max
	tooFast = "ScaleUpLimit"    // and more than its policies allow
)

// least is the least size that the spec allows; unset is one.
func (s spec) least() int {
	if s.MinReplicas == nil {
		return 1
	}
	return *s.MinReplicas
}

func (s spec) up() *rules {
	if s.Behavior == nil {
		return nil
	}
	return s.Behavior.Up
}

func (s spec) down() *rules {
	if s.Behavior == nil {
		return nil
	}
	return s.Behavior.Down
}

func (s status) condition(of string) condition {
	for _, c := range s.Conditions {
		if c.Type == of {
			return c
		}
	}
	return condition{}
}

// quote is the condition in the autoscaler's own words.
func (c condition) quote() string {
	text := c.Type + " " + c.Status
	if c.Reason != "" {
		text += ", " + c.Reason
	}
	if c.Message != "" {
		text += ": " + c.Message
	}
	return text
}
