BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'s');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MAXIMIZE',1,0);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_system_attributes" VALUES(1,1,'NSGAIISampler:parent:1','[1, 2, 23, 7, 32, 4, 27, 12, 21, 42, 47, 14, 34, 50, 38, 39, 22, 5, 35, 49, 36, 48, 45, 31, 29, 24, 11, 8, 15, 40, 20, 9, 43, 6, 33, 28, 25, 51, 13, 17, 41, 19, 18, 37, 30, 52, 26, 44, 46, 16]');
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'weight.layer0.a',0.1,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(2,1,'weight.layer0.b',0.1,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(3,1,'weight.layer1.a',0.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(4,1,'weight.layer1.b',0.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(5,1,'weight.layer2.a',0.3,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(6,1,'weight.layer2.b',0.3,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(7,1,'lambda.outer',-0.3,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(8,1,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(9,2,'weight.layer0.a',0.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(10,2,'weight.layer0.b',0.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(11,2,'weight.layer1.a',0.4,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(12,2,'weight.layer1.b',0.4,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(13,2,'weight.layer2.a',0.6,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(14,2,'weight.layer2.b',0.6,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(15,2,'lambda.outer',-9.99999999999999777955e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(16,2,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(17,3,'weight.layer0.a',0.3,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(18,3,'weight.layer0.b',0.3,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(19,3,'weight.layer1.a',0.6,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(20,3,'weight.layer1.b',0.6,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(21,3,'weight.layer2.a',0.9,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(22,3,'weight.layer2.b',0.9,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(23,3,'lambda.outer',9.99999999999999777955e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(24,3,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(25,4,'weight.layer0.a',0.4,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(26,4,'weight.layer0.b',0.4,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(27,4,'weight.layer1.a',0.8,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(28,4,'weight.layer1.b',0.8,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(29,4,'weight.layer2.a',1.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(30,4,'weight.layer2.b',1.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(31,4,'lambda.outer',3.00000000000000044408e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(32,4,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(33,5,'weight.layer0.a',0.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(34,5,'weight.layer0.b',0.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(35,5,'weight.layer1.a',1.0,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(36,5,'weight.layer1.b',1.0,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(37,5,'weight.layer2.a',1.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(38,5,'weight.layer2.b',1.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(39,5,'lambda.outer',0.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(40,5,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(41,6,'weight.layer0.a',0.6,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(42,6,'weight.layer0.b',0.6,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(43,6,'weight.layer1.a',1.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(44,6,'weight.layer1.b',1.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(45,6,'weight.layer2.a',1.8,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(46,6,'weight.layer2.b',1.8,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(47,6,'lambda.outer',0.7,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(48,6,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(49,7,'weight.layer0.a',2.78357033624769600876e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(50,7,'weight.layer0.b',6.4107028313140412834e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(51,7,'weight.layer1.a',1.33128723479798694029e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(52,7,'weight.layer1.b',2.97207521563372933925e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(53,7,'weight.layer2.a',4.09459878096536944447e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(54,7,'weight.layer2.b',0.98038231675746,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(55,7,'lambda.outer',1.8021287675385710969e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(56,7,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(57,8,'weight.layer0.a',1.91435066868183345611e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(58,8,'weight.layer0.b',5.98377015105950427198e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(59,8,'weight.layer1.a',4.55152182190161846975e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(60,8,'weight.layer1.b',5.70686761653219409851e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(61,8,'weight.layer2.a',2.37760296528684156314e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(62,8,'weight.layer2.b',1.0455130681853,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(63,8,'lambda.outer',1.00973761400969719304e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(64,8,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(65,9,'weight.layer0.a',2.30588079208490559501e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(66,9,'weight.layer0.b',9.45586928825315586877e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(67,9,'weight.layer1.a',1.49675649315124248417e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(68,9,'weight.layer1.b',6.23098687657369199044e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(69,9,'weight.layer2.a',1.24638808438644610454e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(70,9,'weight.layer2.b',2.08781159650590719678e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(71,9,'lambda.outer',-4.83392364657102557856e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(72,9,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(73,10,'weight.layer0.a',8.26784852101771439158e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(74,10,'weight.layer0.b',6.14983094116690276464e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(75,10,'weight.layer1.a',7.93591783879288525938e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(76,10,'weight.layer1.b',1.33427666671166100798e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(77,10,'weight.layer2.a',1.80578464105162650454e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(78,10,'weight.layer2.b',2.75155804375913248804e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(79,10,'lambda.outer',7.66018266045529472307e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(80,10,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(81,11,'weight.layer0.a',9.9515066343742353272e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(82,11,'weight.layer0.b',5.76798630212028151653e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(83,11,'weight.layer1.a',1.31452603876878182376e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(84,11,'weight.layer1.b',1.60789346035097424625e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(85,11,'weight.layer2.a',1.65166768768062599548e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(86,11,'weight.layer2.b',2.51335513867770532492e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(87,11,'lambda.outer',8.1065605969352172444e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(88,11,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(89,12,'weight.layer0.a',2.84597692320830653045e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(90,12,'weight.layer0.b',7.37953501363198482998e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(91,12,'weight.layer1.a',3.14449440909423616474e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(92,12,'weight.layer1.b',1.75867059855472573914e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(93,12,'weight.layer2.a',5.08920896590397631165e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(94,12,'weight.layer2.b',0.771067874213934,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(95,12,'lambda.outer',5.1993500699890859984e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(96,12,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(97,13,'weight.layer0.a',3.13522869480901134053e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(98,13,'weight.layer0.b',4.01404100101773853026e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(99,13,'weight.layer1.a',2.62704464386061653513e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(100,13,'weight.layer1.b',1.82554458582357170826e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(101,13,'weight.layer2.a',2.53606162822471414841e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(102,13,'weight.layer2.b',1.07460999920762,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(103,13,'lambda.outer',1.0549055882639910564e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(104,13,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(105,14,'weight.layer0.a',3.60033010947352849484e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(106,14,'weight.layer0.b',5.92471831379272617645e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(107,14,'weight.layer1.a',1.73088609765949530405e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(108,14,'weight.layer1.b',8.08162499827652869299e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(109,14,'weight.layer2.a',1.3614225704647564541e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(110,14,'weight.layer2.b',7.69847790022466837989e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(111,14,'lambda.outer',-4.0226240439794058723e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(112,14,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(113,15,'weight.layer0.a',6.4811282295853034352e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(114,15,'weight.layer0.b',8.24163497049204218924e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(115,15,'weight.layer1.a',4.26832392408739824674e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(116,15,'weight.layer1.b',1.83237082308937759833e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(117,15,'weight.layer2.a',1.79395141212613440373e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(118,15,'weight.layer2.b',1.95990642530490921657e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(119,15,'lambda.outer',-2.95765736533458056811e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(120,15,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(121,16,'weight.layer0.a',1.40224922641367655273e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(122,16,'weight.layer0.b',9.69991810636049445193e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(123,16,'weight.layer1.a',5.34186897893044632112e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(124,16,'weight.layer1.b',4.94572471017398873627e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(125,16,'weight.layer2.a',2.98913877796380056395e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(126,16,'weight.layer2.b',2.67702601014832763937e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(127,16,'lambda.outer',1.39050229264771707526e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(128,16,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(129,17,'weight.layer0.a',3.48115759523033529987e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(130,17,'weight.layer0.b',1.24967649201233932387e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(131,17,'weight.layer1.a',1.30626294093143080488e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(132,17,'weight.layer1.b',0.00497665431448624,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(133,17,'weight.layer2.a',2.09914089583494600788e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(134,17,'weight.layer2.b',2.3084021927794831086e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(135,17,'lambda.outer',1.25904100603963375881e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(136,17,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(137,18,'weight.layer0.a',0.884270314621073,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(138,18,'weight.layer0.b',5.87137550365817384445e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(139,18,'weight.layer1.a',2.06061138224120643513e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(140,18,'weight.layer1.b',1.0818665785825973824e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(141,18,'weight.layer2.a',2.38816371165690810585e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(142,18,'weight.layer2.b',2.36033824434146666249e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(143,18,'lambda.outer',1.3015669006559573706e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(144,18,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(145,19,'weight.layer0.a',1.69847914191988969001e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(146,19,'weight.layer0.b',4.24692321823814444847e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(147,19,'weight.layer1.a',1.55528681053242068266e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(148,19,'weight.layer1.b',1.72272658515882115537e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(149,19,'weight.layer2.a',1.86007159326675308719e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(150,19,'weight.layer2.b',2.19763160219569408937e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(151,19,'lambda.outer',1.16524214312912710589e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(152,19,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(153,20,'weight.layer0.a',8.51931012776249163565e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(154,20,'weight.layer0.b',2.03223725082817940901e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(155,20,'weight.layer1.a',1.963482501525952717e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(156,20,'weight.layer1.b',2.45258973923220935375e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(157,20,'weight.layer2.a',2.08400767146134846541e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(158,20,'weight.layer2.b',1.89621029099580518106e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(159,20,'lambda.outer',-7.05905316396204796092e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(160,20,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(161,21,'weight.layer0.a',6.38101235666380550703e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(162,21,'weight.layer0.b',3.00948768676388422882e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(163,21,'weight.layer1.a',1.65462699206315333455e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(164,21,'weight.layer1.b',2.03712937424281426146e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(165,21,'weight.layer2.a',9.02628279778626696483e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(166,21,'weight.layer2.b',9.85507383978550310921e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(167,21,'lambda.outer',-0.239804195879618,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(168,21,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(169,22,'weight.layer0.a',5.10746889647516466581e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(170,22,'weight.layer0.b',0.761365525112055,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(171,22,'weight.layer1.a',1.09383664862748730683e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(172,22,'weight.layer1.b',1.36178279329002926978e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(173,22,'weight.layer2.a',1.27508421874633626202e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(174,22,'weight.layer2.b',1.23299417633224406287e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(175,22,'lambda.outer',0.397600438552868,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(176,22,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(177,23,'weight.layer0.a',8.6404684324768432635e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(178,23,'weight.layer0.b',9.22340078482215552924e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(179,23,'weight.layer1.a',3.24228900855844548445e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(180,23,'weight.layer1.b',4.144408476102565686e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(181,23,'weight.layer2.a',7.38502292191587805803e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(182,23,'weight.layer2.b',0.630422224672697,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(183,23,'lambda.outer',8.6805787948264367948e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(184,23,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(185,24,'weight.layer0.a',9.45762183675472600796e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(186,24,'weight.layer0.b',4.2721430264995696735e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(187,24,'weight.layer1.a',2.14624775769573172823e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(188,24,'weight.layer1.b',1.62827054955435857053e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(189,24,'weight.layer2.a',9.39387841463144468434e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(190,24,'weight.layer2.b',1.90359516482834623118e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(191,24,'lambda.outer',9.92764242604882829468e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(192,24,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(193,25,'weight.layer0.a',2.5699794326422276125e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(194,25,'weight.layer0.b',2.63384103011479631106e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(195,25,'weight.layer1.a',1.36506048132582602505e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(196,25,'weight.layer1.b',1.90600763519598825901e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(197,25,'weight.layer2.a',5.01409661086600788593e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(198,25,'weight.layer2.b',2.09263398539499245742e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(199,25,'lambda.outer',1.35840715559109015408e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(200,25,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(201,26,'weight.layer0.a',9.58816090625579597883e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(202,26,'weight.layer0.b',8.96731550249470599212e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(203,26,'weight.layer1.a',7.92965815862416656401e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(204,26,'weight.layer1.b',5.13115636725586465871e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(205,26,'weight.layer2.a',2.29654557490707755817e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(206,26,'weight.layer2.b',2.66064815002841736912e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(207,26,'lambda.outer',1.39147094159068895891e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(208,26,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(209,27,'weight.layer0.a',0.820262392248502,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(210,27,'weight.layer0.b',9.1273953376491634426e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(211,27,'weight.layer1.a',1.11991962174505155225e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(212,27,'weight.layer1.b',8.44469525829064648902e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(213,27,'weight.layer2.a',2.1239095380484962483e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(214,27,'weight.layer2.b',1.10068144208297713504e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(215,27,'lambda.outer',5.897161473551104649e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(216,27,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(217,28,'weight.layer0.a',1.41895343298949927479e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(218,28,'weight.layer0.b',4.64129388425292055408e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(219,28,'weight.layer1.a',1.36087610339701,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(220,28,'weight.layer1.b',1.7464580252896113599e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(221,28,'weight.layer2.a',2.00050857912542934258e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(222,28,'weight.layer2.b',1.5939458706140090527e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(223,28,'lambda.outer',9.01912205277446421547e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(224,28,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(225,29,'weight.layer0.a',6.59396483185067494581e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(226,29,'weight.layer0.b',9.88258652968436512864e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(227,29,'weight.layer1.a',8.17613584948011284936e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(228,29,'weight.layer1.b',1.91016366999824183103e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(229,29,'weight.layer2.a',1.36060407447906861477e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(230,29,'weight.layer2.b',1.15457823766347855709e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(231,29,'lambda.outer',4.28652618442163957368e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(232,29,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(233,30,'weight.layer0.a',9.32860262226147707309e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(234,30,'weight.layer0.b',7.32680581589796098285e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(235,30,'weight.layer1.a',1.54149356304132023609e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(236,30,'weight.layer1.b',1.51389148872845158422e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(237,30,'weight.layer2.a',2.57771685711315878819e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(238,30,'weight.layer2.b',2.32099620732226519237e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(239,30,'lambda.outer',3.35731346563334698274e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(240,30,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(241,31,'weight.layer0.a',3.30509130598163447523e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(242,31,'weight.layer0.b',0.870467676035809,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(243,31,'weight.layer1.a',4.7433070280016509379e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(244,31,'weight.layer1.b',1.90358629820574321023e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(245,31,'weight.layer2.a',1.74315789749122496132e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(246,31,'weight.layer2.b',8.23449391227151106242e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(247,31,'lambda.outer',2.15866201149620628996e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(248,31,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(249,32,'weight.layer0.a',0.583395173150678,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(250,32,'weight.layer0.b',5.20374439074602235244e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(251,32,'weight.layer1.a',3.90476339911442371644e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(252,32,'weight.layer1.b',1.54956223175551865978e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(253,32,'weight.layer2.a',7.93187641211181571065e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(254,32,'weight.layer2.b',6.65110917959147451838e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(255,32,'lambda.outer',0.629636482492846,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(256,32,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(257,33,'weight.layer0.a',2.84186122625756043547e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(258,33,'weight.layer0.b',3.90083386865533898735e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(259,33,'weight.layer1.a',3.75386359819271930859e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(260,33,'weight.layer1.b',0.932672887082852,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(261,33,'weight.layer2.a',2.46716148322274397841e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(262,33,'weight.layer2.b',1.45635856455383283503e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(263,33,'lambda.outer',0.9908885692908,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(264,33,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(265,34,'weight.layer0.a',7.39315053614568840067e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(266,34,'weight.layer0.b',4.15437579606877327442e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(267,34,'weight.layer1.a',1.22501573425465637434e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(268,34,'weight.layer1.b',1.50341752798477301666e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(269,34,'weight.layer2.a',1.00735409329675729139e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(270,34,'weight.layer2.b',4.42788312393249117171e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(271,34,'lambda.outer',5.11104341010279794588e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(272,34,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(273,35,'weight.layer0.a',6.77344258568869483916e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(274,35,'weight.layer0.b',7.37933430717505500773e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(275,35,'weight.layer1.a',1.59510055859393973243e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(276,35,'weight.layer1.b',1.45588370638751074537e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(277,35,'weight.layer2.a',6.33203393345153076054e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(278,35,'weight.layer2.b',1.03602836247656249213e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(279,35,'lambda.outer',9.90332216801401710171e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(280,35,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(281,36,'weight.layer0.a',8.3000447468475546664e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(282,36,'weight.layer0.b',2.15810711803905208583e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(283,36,'weight.layer1.a',3.00989316081117674883e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(284,36,'weight.layer1.b',1.88492558572971113939e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(285,36,'weight.layer2.a',9.63144563266744579976e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(286,36,'weight.layer2.b',1.24191814978694337057e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(287,36,'lambda.outer',1.25019119773330555922e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(288,36,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(289,37,'weight.layer0.a',3.82971931857997049952e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(290,37,'weight.layer0.b',1.17559740939150336735e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(291,37,'weight.layer1.a',4.73873792799822890486e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(292,37,'weight.layer1.b',8.00665077527949353708e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(293,37,'weight.layer2.a',2.73847664657018796674e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(294,37,'weight.layer2.b',2.31195431176248700211e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(295,37,'lambda.outer',9.4087061794178006302e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(296,37,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(297,38,'weight.layer0.a',6.8032576075856043829e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(298,38,'weight.layer0.b',7.37675022156016435559e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(299,38,'weight.layer1.a',1.34935079952614533915e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(300,38,'weight.layer1.b',6.32974248598677791122e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(301,38,'weight.layer2.a',1.75410237412411129653e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(302,38,'weight.layer2.b',1.31852180226992166112e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(303,38,'lambda.outer',1.11127080293444158165e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(304,38,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(305,39,'weight.layer0.a',3.65695824366298882779e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(306,39,'weight.layer0.b',9.08497867719069485126e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(307,39,'weight.layer1.a',1.30006538041457053722e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(308,39,'weight.layer1.b',1.30628258711386169288e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(309,39,'weight.layer2.a',4.67617879199216268659e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(310,39,'weight.layer2.b',6.93955861567533194289e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(311,39,'lambda.outer',1.15958994533202486287e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(312,39,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(313,40,'weight.layer0.a',1.25044885445199871476e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(314,40,'weight.layer0.b',6.41961383017601749934e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(315,40,'weight.layer1.a',1.51859982710501983937e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(316,40,'weight.layer1.b',1.52454918816099027623e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(317,40,'weight.layer2.a',0.0585282097497144,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(318,40,'weight.layer2.b',1.80978095514629111484e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(319,40,'lambda.outer',8.84709663575952154346e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(320,40,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(321,41,'weight.layer0.a',5.15598419086847115089e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(322,41,'weight.layer0.b',7.70115849361198701039e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(323,41,'weight.layer1.a',3.51462130208190393076e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(324,41,'weight.layer1.b',1.93114367498410866019e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(325,41,'weight.layer2.a',1.14279101214972023115e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(326,41,'weight.layer2.b',2.73972688023182886496e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(327,41,'lambda.outer',5.66469408589209244553e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(328,41,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(329,42,'weight.layer0.a',6.51377867900350460139e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(330,42,'weight.layer0.b',7.55631803875551510962e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(331,42,'weight.layer1.a',6.20240729559992098884e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(332,42,'weight.layer1.b',1.11046024249382924153e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(333,42,'weight.layer2.a',6.34819048701837918002e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(334,42,'weight.layer2.b',1.48772578077937667195e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(335,42,'lambda.outer',8.0035450203051650142e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(336,42,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(337,43,'weight.layer0.a',6.56519300965260121927e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(338,43,'weight.layer0.b',5.84139670608901595549e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(339,43,'weight.layer1.a',8.317076738783384382e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(340,43,'weight.layer1.b',1.67291416835617234859e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(341,43,'weight.layer2.a',6.62995341050409137118e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(342,43,'weight.layer2.b',2.20911791401949653135e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(343,43,'lambda.outer',1.22743125410720299583e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(344,43,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(345,44,'weight.layer0.a',6.83058714200553307449e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(346,44,'weight.layer0.b',4.75986691466337541456e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(347,44,'weight.layer1.a',1.87997916148930510615e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(348,44,'weight.layer1.b',8.98419993721543796993e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(349,44,'weight.layer2.a',1.85814537016357306242e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(350,44,'weight.layer2.b',2.9170886667743483045e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(351,44,'lambda.outer',4.92753443252460066048e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(352,44,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(353,45,'weight.layer0.a',0.0730522954830003,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(354,45,'weight.layer0.b',6.22219853460253213839e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(355,45,'weight.layer1.a',1.8195035764886207108e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(356,45,'weight.layer1.b',1.77969650829454684171e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(357,45,'weight.layer2.a',4.4167112311898393262e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(358,45,'weight.layer2.b',1.0793884656298906588e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(359,45,'lambda.outer',2.09398383914758401402e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(360,45,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(361,46,'weight.layer0.a',8.40262072876598820059e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(362,46,'weight.layer0.b',1.2782572426500438123e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(363,46,'weight.layer1.a',1.08242741472736270225e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(364,46,'weight.layer1.b',1.44992586522968691653e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(365,46,'weight.layer2.a',2.60366071673248322682e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(366,46,'weight.layer2.b',2.54475959060046452719e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(367,46,'lambda.outer',1.26153536570044955134e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(368,46,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(369,47,'weight.layer0.a',0.370995898116408,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(370,47,'weight.layer0.b',9.10104006834251189062e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(371,47,'weight.layer1.a',2.80938529749822585301e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(372,47,'weight.layer1.b',3.85923534190712569369e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(373,47,'weight.layer2.a',1.7942097771990432875e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(374,47,'weight.layer2.b',7.93444380246083325047e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(375,47,'lambda.outer',7.08082026731110758532e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(376,47,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(377,48,'weight.layer0.a',0.6437504695734,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(378,48,'weight.layer0.b',2.13584597790161812014e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(379,48,'weight.layer1.a',7.83482542824301297912e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(380,48,'weight.layer1.b',1.37167139271856752813e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(381,48,'weight.layer2.a',1.59717532004827367231e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(382,48,'weight.layer2.b',1.41809179371239535427e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(383,48,'lambda.outer',9.39646116733816816335e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(384,48,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(385,49,'weight.layer0.a',6.23689078582311706711e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(386,49,'weight.layer0.b',2.32418203091926844905e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(387,49,'weight.layer1.a',1.59653501165422362362e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(388,49,'weight.layer1.b',1.82111779082042191113e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(389,49,'weight.layer2.a',7.41497192419739659108e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(390,49,'weight.layer2.b',3.66383358730233754663e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(391,49,'lambda.outer',7.60726136728357094085e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(392,49,'method',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(393,50,'weight.layer0.a',1.44108567133779286173e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(394,50,'weight.layer0.b',6.7287731732630762238e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(395,50,'weight.layer1.a',6.83445616638069131099e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(396,50,'weight.layer1.b',1.08986263710503017421e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(397,50,'weight.layer2.a',6.66018197959320379375e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(398,50,'weight.layer2.b',1.51782587322757711589e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(399,50,'lambda.outer',1.10363872635583626369e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(400,50,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(401,51,'weight.layer0.a',5.55039607864322714902e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(402,51,'weight.layer0.b',6.46846888679595277693e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(403,51,'weight.layer1.a',1.79180310786513463661e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(404,51,'weight.layer1.b',7.40449662509277128918e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(405,51,'weight.layer2.a',9.43747524495314737968e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(406,51,'weight.layer2.b',2.53687411839834364712e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(407,51,'lambda.outer',8.24930968146761589565e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(408,51,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(409,52,'weight.layer0.a',9.18925180684869391534e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(410,52,'weight.layer0.b',7.86625377805285630472e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(411,52,'weight.layer1.a',1.87361829450386108142e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(412,52,'weight.layer1.b',2.8700740216049691611e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(413,52,'weight.layer2.a',2.95132573872714942808e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(414,52,'weight.layer2.b',1.53653173591746439186e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(415,52,'lambda.outer',4.2056465201027792844e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(416,52,'method',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(417,53,'weight.layer0.a',3.30509130598163447523e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(418,53,'weight.layer0.b',7.37933430717505500773e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(419,53,'weight.layer1.a',4.7433070280016509379e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(420,53,'weight.layer1.b',1.45588370638751074537e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(421,53,'weight.layer2.a',1.74315789749122496132e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(422,53,'weight.layer2.b',8.23449391227151106242e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(423,53,'lambda.outer',0.29386399218799,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(424,53,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(425,54,'weight.layer0.a',1.44108567133779286173e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(426,54,'weight.layer0.b',6.7287731732630762238e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(427,54,'weight.layer1.a',6.83445616638069131099e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(428,54,'weight.layer1.b',0.8,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(429,54,'weight.layer2.a',1.2,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(430,54,'weight.layer2.b',1.51782587322757711589e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 3.0, "log": false}}');
INSERT INTO "trial_params" VALUES(431,54,'lambda.outer',3.00000000000000044408e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": -0.5, "high": 1.5, "log": false}}');
INSERT INTO "trial_params" VALUES(432,54,'method',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["ties", "linear", "slerp"]}}');
INSERT INTO "trial_params" VALUES(433,55,'weight.layer0.a',3.48115759523033529987e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(434,55,'weight.layer0.b',1.24967649201233932387e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(435,55,'weight.layer1.a',1.59510055859393973243e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,1,'fixed_params','{"weight.layer0.a": 0.1, "weight.layer0.b": 0.1, "weight.layer1.a": 0.2, "weight.layer1.b": 0.2, "weight.layer2.a": 0.3, "weight.layer2.b": 0.3, "lambda.outer": -0.3, "method": "ties"}');
INSERT INTO "trial_system_attributes" VALUES(2,2,'fixed_params','{"weight.layer0.a": 0.2, "weight.layer0.b": 0.2, "weight.layer1.a": 0.4, "weight.layer1.b": 0.4, "weight.layer2.a": 0.6, "weight.layer2.b": 0.6, "lambda.outer": -0.09999999999999998, "method": "linear"}');
INSERT INTO "trial_system_attributes" VALUES(3,3,'fixed_params','{"weight.layer0.a": 0.3, "weight.layer0.b": 0.3, "weight.layer1.a": 0.6, "weight.layer1.b": 0.6, "weight.layer2.a": 0.9, "weight.layer2.b": 0.9, "lambda.outer": 0.09999999999999998, "method": "slerp"}');
INSERT INTO "trial_system_attributes" VALUES(4,4,'fixed_params','{"weight.layer0.a": 0.4, "weight.layer0.b": 0.4, "weight.layer1.a": 0.8, "weight.layer1.b": 0.8, "weight.layer2.a": 1.2, "weight.layer2.b": 1.2, "lambda.outer": 0.30000000000000004, "method": "ties"}');
INSERT INTO "trial_system_attributes" VALUES(5,5,'fixed_params','{"weight.layer0.a": 0.5, "weight.layer0.b": 0.5, "weight.layer1.a": 1.0, "weight.layer1.b": 1.0, "weight.layer2.a": 1.5, "weight.layer2.b": 1.5, "lambda.outer": 0.5, "method": "linear"}');
INSERT INTO "trial_system_attributes" VALUES(6,6,'fixed_params','{"weight.layer0.a": 0.6, "weight.layer0.b": 0.6, "weight.layer1.a": 1.2, "weight.layer1.b": 1.2, "weight.layer2.a": 1.8, "weight.layer2.b": 1.8, "lambda.outer": 0.7, "method": "slerp"}');
INSERT INTO "trial_system_attributes" VALUES(7,1,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(8,2,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(9,3,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(10,4,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(11,5,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(12,6,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(13,7,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(14,8,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(15,9,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(16,10,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(17,11,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(18,12,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(19,13,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(20,14,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(21,15,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(22,16,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(23,17,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(24,18,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(25,19,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(26,20,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(27,21,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(28,22,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(29,23,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(30,24,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(31,25,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(32,26,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(33,27,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(34,28,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(35,29,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(36,30,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(37,31,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(38,32,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(39,33,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(40,34,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(41,35,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(42,36,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(43,37,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(44,38,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(45,39,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(46,40,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(47,41,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(48,42,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(49,43,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(50,44,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(51,45,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(52,46,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(53,47,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(54,48,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(55,49,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(56,50,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(57,51,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(58,52,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(59,53,'NSGAIISampler:generation','1');
INSERT INTO "trial_system_attributes" VALUES(60,54,'NSGAIISampler:generation','1');
INSERT INTO "trial_system_attributes" VALUES(61,55,'NSGAIISampler:generation','1');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,-2.5999999999999995337e-01,'FINITE');
INSERT INTO "trial_values" VALUES(2,2,0,-0.28,'FINITE');
INSERT INTO "trial_values" VALUES(3,4,0,-1.93999999999999972466e+00,'FINITE');
INSERT INTO "trial_values" VALUES(4,5,0,-3.88,'FINITE');
INSERT INTO "trial_values" VALUES(5,6,0,-6.46,'FINITE');
INSERT INTO "trial_values" VALUES(6,7,0,-1.66960903138669691792e+00,'FINITE');
INSERT INTO "trial_values" VALUES(7,8,0,-5.47411000736604425043e+00,'FINITE');
INSERT INTO "trial_values" VALUES(8,9,0,-6.1714802978148055601e+00,'FINITE');
INSERT INTO "trial_values" VALUES(9,11,0,-5.38984369496558457512e+00,'FINITE');
INSERT INTO "trial_values" VALUES(10,12,0,-2.63389349232090586028e+00,'FINITE');
INSERT INTO "trial_values" VALUES(11,13,0,-8.509017603112383199e+00,'FINITE');
INSERT INTO "trial_values" VALUES(12,14,0,-2.93558667560565433873e+00,'FINITE');
INSERT INTO "trial_values" VALUES(13,15,0,-5.66776691924831,'FINITE');
INSERT INTO "trial_values" VALUES(14,16,0,-1.42866096873824961473e+01,'FINITE');
INSERT INTO "trial_values" VALUES(15,17,0,-9.32290231322479,'FINITE');
INSERT INTO "trial_values" VALUES(16,18,0,-1.07217536879817743056e+01,'FINITE');
INSERT INTO "trial_values" VALUES(17,19,0,-1.02158566933926735491e+01,'FINITE');
INSERT INTO "trial_values" VALUES(18,20,0,-5.83715592336273125795e+00,'FINITE');
INSERT INTO "trial_values" VALUES(19,21,0,-2.66389745647286213525e+00,'FINITE');
INSERT INTO "trial_values" VALUES(20,22,0,-3.86317449539056223528e+00,'FINITE');
INSERT INTO "trial_values" VALUES(21,23,0,-1.14329262315861313048e+00,'FINITE');
INSERT INTO "trial_values" VALUES(22,24,0,-5.29023055088839200266e+00,'FINITE');
INSERT INTO "trial_values" VALUES(23,25,0,-7.89113241816416621787e+00,'FINITE');
INSERT INTO "trial_values" VALUES(24,26,0,-1.17287234918066456406e+01,'FINITE');
INSERT INTO "trial_values" VALUES(25,27,0,-2.24753950641524369302e+00,'FINITE');
INSERT INTO "trial_values" VALUES(26,28,0,-7.87967953200083126574e+00,'FINITE');
INSERT INTO "trial_values" VALUES(27,29,0,-5.23515313633830370321e+00,'FINITE');
INSERT INTO "trial_values" VALUES(28,30,0,-1.13248125296512593964e+01,'FINITE');
INSERT INTO "trial_values" VALUES(29,31,0,-5.19202686455991457847e+00,'FINITE');
INSERT INTO "trial_values" VALUES(30,32,0,-1.90488078696419305124e+00,'FINITE');
INSERT INTO "trial_values" VALUES(31,33,0,-6.78860708431664416906e+00,'FINITE');
INSERT INTO "trial_values" VALUES(32,34,0,-3.07549476465070315001e+00,'FINITE');
INSERT INTO "trial_values" VALUES(33,35,0,-4.04067687647227646863e+00,'FINITE');
INSERT INTO "trial_values" VALUES(34,36,0,-4.63154358432921497978e+00,'FINITE');
INSERT INTO "trial_values" VALUES(35,37,0,-1.07259100627100352194e+01,'FINITE');
INSERT INTO "trial_values" VALUES(36,38,0,-3.12354611067407,'FINITE');
INSERT INTO "trial_values" VALUES(37,39,0,-3.37459249855514631377e+00,'FINITE');
INSERT INTO "trial_values" VALUES(38,40,0,-5.81168568111854533242e+00,'FINITE');
INSERT INTO "trial_values" VALUES(39,41,0,-9.66433951541954350261e+00,'FINITE');
INSERT INTO "trial_values" VALUES(40,42,0,-2.8074546436393803539e+00,'FINITE');
INSERT INTO "trial_values" VALUES(41,43,0,-6.18336455535234286173e+00,'FINITE');
INSERT INTO "trial_values" VALUES(42,44,0,-1.23462699079309832226e+01,'FINITE');
INSERT INTO "trial_values" VALUES(43,45,0,-5.08944951049023242006e+00,'FINITE');
INSERT INTO "trial_values" VALUES(44,46,0,-1.29509760072378075078e+01,'FINITE');
INSERT INTO "trial_values" VALUES(45,47,0,-2.83289618592934600016e+00,'FINITE');
INSERT INTO "trial_values" VALUES(46,48,0,-4.93106260753243308414e+00,'FINITE');
INSERT INTO "trial_values" VALUES(47,49,0,-4.31573938315786431729e+00,'FINITE');
INSERT INTO "trial_values" VALUES(48,50,0,-3.09715754026973844048e+00,'FINITE');
INSERT INTO "trial_values" VALUES(49,51,0,-8.22819324485861258722e+00,'FINITE');
INSERT INTO "trial_values" VALUES(50,52,0,-1.17213897559185067367e+01,'FINITE');
INSERT INTO "trial_values" VALUES(51,53,0,-3.81591646628002578722e+00,'FINITE');
INSERT INTO "trial_values" VALUES(52,54,0,-2.75347003103900656029e+00,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-27 14:40:57.027404','2026-11-27 14:40:57.240219');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-27 14:40:57.279706','2026-11-27 14:40:57.468390');
INSERT INTO "trials" VALUES(3,2,1,'FAIL','2026-11-27 14:40:57.524276','2026-11-27 14:40:57.730706');
INSERT INTO "trials" VALUES(4,3,1,'COMPLETE','2026-11-27 14:40:57.760392','2026-11-27 14:40:57.955958');
INSERT INTO "trials" VALUES(5,4,1,'COMPLETE','2026-11-27 14:40:57.993082','2026-11-27 14:40:58.171835');
INSERT INTO "trials" VALUES(6,5,1,'COMPLETE','2026-11-27 14:40:58.207271','2026-11-27 14:40:58.402569');
INSERT INTO "trials" VALUES(7,6,1,'COMPLETE','2026-11-27 14:40:58.426714','2026-11-27 14:40:58.628413');
INSERT INTO "trials" VALUES(8,7,1,'COMPLETE','2026-11-27 14:40:58.665558','2026-11-27 14:40:58.879792');
INSERT INTO "trials" VALUES(9,8,1,'COMPLETE','2026-11-27 14:40:58.911716','2026-11-27 14:40:59.108763');
INSERT INTO "trials" VALUES(10,9,1,'FAIL','2026-11-27 14:40:59.142160','2026-11-27 14:40:59.318921');
INSERT INTO "trials" VALUES(11,10,1,'COMPLETE','2026-11-27 14:40:59.353747','2026-11-27 14:40:59.552287');
INSERT INTO "trials" VALUES(12,11,1,'COMPLETE','2026-11-27 14:40:59.585317','2026-11-27 14:40:59.776051');
INSERT INTO "trials" VALUES(13,12,1,'COMPLETE','2026-11-27 14:40:59.803935','2026-11-27 14:41:00.011849');
INSERT INTO "trials" VALUES(14,13,1,'COMPLETE','2026-11-27 14:41:00.042553','2026-11-27 14:41:00.243751');
INSERT INTO "trials" VALUES(15,14,1,'COMPLETE','2026-11-27 14:41:00.263417','2026-11-27 14:41:00.466433');
INSERT INTO "trials" VALUES(16,15,1,'COMPLETE','2026-11-27 14:41:00.497810','2026-11-27 14:41:00.695910');
INSERT INTO "trials" VALUES(17,16,1,'COMPLETE','2026-11-27 14:41:00.730510','2026-11-27 14:41:00.940108');
INSERT INTO "trials" VALUES(18,17,1,'COMPLETE','2026-11-27 14:41:00.969218','2026-11-27 14:41:01.157238');
INSERT INTO "trials" VALUES(19,18,1,'COMPLETE','2026-11-27 14:41:01.177516','2026-11-27 14:41:01.376398');
INSERT INTO "trials" VALUES(20,19,1,'COMPLETE','2026-11-27 14:41:01.411474','2026-11-27 14:41:01.596133');
INSERT INTO "trials" VALUES(21,20,1,'COMPLETE','2026-11-27 14:41:01.625418','2026-11-27 14:41:01.835785');
INSERT INTO "trials" VALUES(22,21,1,'COMPLETE','2026-11-27 14:41:01.865530','2026-11-27 14:41:02.063962');
INSERT INTO "trials" VALUES(23,22,1,'COMPLETE','2026-11-27 14:41:02.095538','2026-11-27 14:41:02.309568');
INSERT INTO "trials" VALUES(24,23,1,'COMPLETE','2026-11-27 14:41:02.340173','2026-11-27 14:41:02.573448');
INSERT INTO "trials" VALUES(25,24,1,'COMPLETE','2026-11-27 14:41:02.614715','2026-11-27 14:41:02.863332');
INSERT INTO "trials" VALUES(26,25,1,'COMPLETE','2026-11-27 14:41:02.908602','2026-11-27 14:41:03.135585');
INSERT INTO "trials" VALUES(27,26,1,'COMPLETE','2026-11-27 14:41:03.174688','2026-11-27 14:41:03.406350');
INSERT INTO "trials" VALUES(28,27,1,'COMPLETE','2026-11-27 14:41:03.447844','2026-11-27 14:41:03.653038');
INSERT INTO "trials" VALUES(29,28,1,'COMPLETE','2026-11-27 14:41:03.680402','2026-11-27 14:41:03.904277');
INSERT INTO "trials" VALUES(30,29,1,'COMPLETE','2026-11-27 14:41:04.012898','2026-11-27 14:41:04.253375');
INSERT INTO "trials" VALUES(31,30,1,'COMPLETE','2026-11-27 14:41:04.287806','2026-11-27 14:41:04.521402');
INSERT INTO "trials" VALUES(32,31,1,'COMPLETE','2026-11-27 14:41:04.586926','2026-11-27 14:41:04.802778');
INSERT INTO "trials" VALUES(33,32,1,'COMPLETE','2026-11-27 14:41:04.836258','2026-11-27 14:41:05.068104');
INSERT INTO "trials" VALUES(34,33,1,'COMPLETE','2026-11-27 14:41:05.115169','2026-11-27 14:41:05.366279');
INSERT INTO "trials" VALUES(35,34,1,'COMPLETE','2026-11-27 14:41:05.393821','2026-11-27 14:41:05.620131');
INSERT INTO "trials" VALUES(36,35,1,'COMPLETE','2026-11-27 14:41:05.649989','2026-11-27 14:41:05.885257');
INSERT INTO "trials" VALUES(37,36,1,'COMPLETE','2026-11-27 14:41:05.917782','2026-11-27 14:41:06.140056');
INSERT INTO "trials" VALUES(38,37,1,'COMPLETE','2026-11-27 14:41:06.172334','2026-11-27 14:41:06.384930');
INSERT INTO "trials" VALUES(39,38,1,'COMPLETE','2026-11-27 14:41:06.411510','2026-11-27 14:41:06.597494');
INSERT INTO "trials" VALUES(40,39,1,'COMPLETE','2026-11-27 14:41:06.646922','2026-11-27 14:41:06.873728');
INSERT INTO "trials" VALUES(41,40,1,'COMPLETE','2026-11-27 14:41:06.911177','2026-11-27 14:41:07.127921');
INSERT INTO "trials" VALUES(42,41,1,'COMPLETE','2026-11-27 14:41:07.158626','2026-11-27 14:41:07.388686');
INSERT INTO "trials" VALUES(43,42,1,'COMPLETE','2026-11-27 14:41:07.432990','2026-11-27 14:41:07.655741');
INSERT INTO "trials" VALUES(44,43,1,'COMPLETE','2026-11-27 14:41:07.694958','2026-11-27 14:41:07.895863');
INSERT INTO "trials" VALUES(45,44,1,'COMPLETE','2026-11-27 14:41:07.922003','2026-11-27 14:41:08.124219');
INSERT INTO "trials" VALUES(46,45,1,'COMPLETE','2026-11-27 14:41:08.161495','2026-11-27 14:41:08.340078');
INSERT INTO "trials" VALUES(47,46,1,'COMPLETE','2026-11-27 14:41:08.370902','2026-11-27 14:41:08.614406');
INSERT INTO "trials" VALUES(48,47,1,'COMPLETE','2026-11-27 14:41:08.654558','2026-11-27 14:41:08.872212');
INSERT INTO "trials" VALUES(49,48,1,'COMPLETE','2026-11-27 14:41:08.894613','2026-11-27 14:41:09.072111');
INSERT INTO "trials" VALUES(50,49,1,'COMPLETE','2026-11-27 14:41:09.103423','2026-11-27 14:41:09.307777');
INSERT INTO "trials" VALUES(51,50,1,'COMPLETE','2026-11-27 14:41:09.347477','2026-11-27 14:41:09.549589');
INSERT INTO "trials" VALUES(52,51,1,'COMPLETE','2026-11-27 14:41:09.590628','2026-11-27 14:41:09.804503');
INSERT INTO "trials" VALUES(53,52,1,'COMPLETE','2026-11-27 14:41:09.832129','2026-11-27 14:41:10.068283');
INSERT INTO "trials" VALUES(54,53,1,'COMPLETE','2026-11-27 14:41:10.111902','2026-11-27 14:41:10.308595');
INSERT INTO "trials" VALUES(55,54,1,'RUNNING','2026-11-27 14:41:10.438233',NULL);
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;
